// probe-ready: a synthetic pod could be opened in every pod network, so that packets can tell. Says nothing
// of the network itself.
#include "checks/checks.h"
#include "checks/common.h"
#include "checks/packets.h"
#include "engine/stand_ins.h"

namespace podroute {
namespace {

// Why no pod was opened; the last attempt counts.
std::string reason(const Snapshot& snapshot, const HostId& host, const HostFacts& facts) {
    if (facts.uid != 0) return "the agent runs as user " + std::to_string(facts.uid) + ", not as root";
    std::string why = "no synthetic pod was opened";
    for (const RoundResult& round : snapshot.rounds) {
        const auto findings = round.hosts.find(host);
        if (findings == round.hosts.end()) continue;
        if (!findings->second.known())
            why = findings->second.unknown().why;
        else if (!findings->second->pods_refused.empty())
            why = findings->second->pods_refused.back().text;
    }
    return why;
}

Cause unavailable(const InventoryHost& host, const Prefix& cidr, const HostFacts& facts, std::string why) {
    Cause cause;
    cause.code = "probe-unavailable";
    cause.host = host.name;
    cause.subject = cidr.to_string();
    cause.summary = "no packets can be sent from pods of " + host.name;
    cause.evidence = {std::move(why)};
    if (facts.uid != 0) cause.commands = {"podroute verify --sudo"};
    return cause;
}

// A fault of the host's own network is the cause, and this only follows from it.
Verdict not_opened(const Snapshot& snapshot, const Expected& expected, const InventoryHost& host,
                   const Prefix& cidr, const HostFacts& facts) {
    std::string why = reason(snapshot, host.name, facts);
    const std::string code = why_no_pod(snapshot, expected, host);
    if (code != "probe-unavailable") {
        Verdict made =
            verdict(host, cidr.to_string(), Status::unknown, "no synthetic pod could be opened: " + why);
        made.blocked_by = code;
        return made;
    }
    Cause cause = unavailable(host, cidr, facts, std::move(why));
    Verdict made = verdict(host, cidr.to_string(), Status::unknown, cause.summary);
    made.causes.push_back(std::move(cause));
    return made;
}

// With another address than the one that was asked for.
std::string stood_in(const Snapshot& snapshot, const InventoryHost& host, const Prefix& cidr) {
    std::string text;
    for (const StandIn& one : stand_ins(snapshot))
        if (one.host == host.name && cidr.contains(one.asked)) text += "; " + stand_in_text(one);
    return text;
}

}  // namespace

std::vector<Verdict> probe_ready(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    if (!packets_sent(snapshot)) return {};
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        if (snapshot.policy.pair && snapshot.policy.pair->first.host != host.name &&
            snapshot.policy.pair->second.host != host.name)
            continue;
        for (const Prefix& cidr : host.pod_cidrs) {
            const HostFacts* facts = facts_of(snapshot, host.name);
            if (facts == nullptr) {
                verdicts.push_back(not_read(snapshot, host, cidr.to_string()));
            } else if (pod_opened(snapshot, host.name, cidr)) {
                verdicts.push_back(verdict(host, cidr.to_string(), Status::pass,
                                           "a synthetic pod was opened" + stood_in(snapshot, host, cidr)));
            } else {
                verdicts.push_back(not_opened(snapshot, expected, host, cidr, *facts));
            }
        }
    }
    return verdicts;
}

}  // namespace podroute
