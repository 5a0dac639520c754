// host-access: the host was reached and read, stayed to the end, and nobody was changing it meanwhile. What
// went wrong is in the Unknown that stands for its facts, or for its part of a round.
#include <algorithm>
#include <array>

#include "checks/checks.h"
#include "checks/common.h"
#include "engine/judge.h"
#include "engine/neighbours.h"

namespace podroute {
namespace {

constexpr std::array<std::string_view, 6> kCodes{"host-unreachable",     "ssh-auth-failed",
                                                 "ssh-host-key-unknown", "ssh-host-key-mismatch",
                                                 "ssh-failed",           "agent-failed"};

std::string summary(const HostId& host, const std::string& code) {
    if (code == "host-unreachable") return host + " cannot be reached over SSH";
    if (code == "ssh-auth-failed") return host + " refuses the SSH login";
    if (code == "ssh-host-key-unknown") return "the SSH host key of " + host + " is not known yet";
    if (code == "ssh-host-key-mismatch") return "the SSH host key of " + host + " is not the known one";
    if (code == "ssh-failed") return "no SSH session with " + host + " came about";
    return "the agent could not run on " + host;
}

// Others that asked for its link-layer address and got no answer.
std::vector<std::string> silent_to(const Snapshot& snapshot, const InventoryHost& host) {
    std::vector<std::string> names;
    for (const SilentNeighbour& silent : silent_neighbours(snapshot))
        if (snapshot.inventory.owner_of(silent.address) == &host &&
            std::find(names.begin(), names.end(), silent.observer) == names.end())
            names.push_back(silent.observer);
    return names;
}

Cause access_cause(const Snapshot& snapshot, const InventoryHost& host, const Unknown& unknown) {
    Cause cause;
    cause.code = unknown.code;
    cause.host = host.name;
    cause.subject = host.addresses.front().to_string();
    cause.summary = facts_of(snapshot, host.name) != nullptr ? host.name + " was lost while packets were sent"
                                                             : summary(host.name, unknown.code);
    cause.evidence.push_back(unknown.why);
    const auto silent = silent_to(snapshot, host);
    if (!silent.empty())
        cause.evidence.push_back("does not answer neighbour solicitations of " + joined_text(silent) +
                                 " either");
    if (!unknown.help.empty()) cause.commands.push_back(unknown.help);
    return cause;
}

Verdict of_unknown(const Snapshot& snapshot, const InventoryHost& host, const Unknown& unknown) {
    const std::string subject = host.addresses.front().to_string();
    if (std::find(kCodes.begin(), kCodes.end(), unknown.code) == kCodes.end())
        return verdict(host, subject, Status::unknown, unknown.why);
    Cause cause = access_cause(snapshot, host, unknown);
    Verdict made = verdict(host, subject, unknown.code == "host-unreachable" ? Status::fail : Status::unknown,
                           cause.summary);
    made.expected = "an SSH session";
    made.observed = unknown.why;
    made.causes.push_back(std::move(cause));
    return made;
}

// Why what was read may soon be otherwise: another run has not yet said whether its changes are to stay.
const Unknown* being_changed(const Snapshot& snapshot, const HostId& host) {
    for (const RoundResult& round : snapshot.rounds) {
        const auto at = round.hosts.find(host);
        if (round.stage == RoundStage::fixer && at != round.hosts.end() && !at->second.known())
            return &at->second.unknown();
    }
    return nullptr;
}

}  // namespace

std::vector<Verdict> host_access(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const std::string subject = host.addresses.front().to_string();
        const auto at = snapshot.hosts.find(host.name);
        if (at == snapshot.hosts.end()) {
            verdicts.push_back(verdict(host, subject, Status::unknown, "not reached before the run ended"));
        } else if (!at->second.known()) {
            verdicts.push_back(of_unknown(snapshot, host, at->second.unknown()));
        } else if (const Unknown* lost = lost_in_round(snapshot, host.name);
                   lost != nullptr && lost->code == "agent-failed") {
            verdicts.push_back(of_unknown(snapshot, host, *lost));
        } else if (const Unknown* why = being_changed(snapshot, host.name)) {
            verdicts.push_back(verdict(host, subject, Status::unknown,
                                       why->why + ": it may still be taken back, verify again"));
        } else {
            verdicts.push_back(verdict(host, subject, Status::pass, "reached and read"));
        }
    }
    return verdicts;
}

}  // namespace podroute
