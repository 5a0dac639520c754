// probe-ready: a synthetic pod could be opened in every pod network, so that packets can tell. Says nothing
// of the network itself.
#include <algorithm>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/packets.h"
#include "engine/stand_ins.h"
#include "model/pod_room.h"

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

Cause unavailable(const InventoryHost& host, std::string subject, const HostFacts& facts, std::string why) {
    Cause cause;
    cause.code = "probe-unavailable";
    cause.host = host.name;
    cause.subject = std::move(subject);
    const std::string of = host.pod_cidrs.empty() ? "" : "pods of ";
    cause.summary = "no packets can be sent from " + of + host.name;
    cause.evidence = {std::move(why)};
    if (facts.uid != 0) cause.commands = {"podroute verify --sudo"};
    return cause;
}

Verdict without_probes(const InventoryHost& host, std::string subject, const HostFacts& facts,
                       std::string why) {
    Cause cause = unavailable(host, std::move(subject), facts, std::move(why));
    Verdict made = verdict(host, cause.subject, Status::unknown, cause.summary);
    made.causes.push_back(std::move(cause));
    return made;
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
    return without_probes(host, cidr.to_string(), facts, std::move(why));
}

// With another address than the one that was asked for.
std::string stood_in(const Snapshot& snapshot, const InventoryHost& host, const Prefix& cidr) {
    std::string text;
    for (const StandIn& one : stand_ins(snapshot))
        if (one.host == host.name && cidr.contains(one.asked)) text += "; " + stand_in_text(one);
    return text;
}

// The agent that read the host refused a round of packets.
const Unknown* refused(const Snapshot& snapshot, const HostId& host) {
    const Unknown* lost = lost_in_round(snapshot, host);
    return lost != nullptr && lost->code == "probe-unavailable" ? lost : nullptr;
}

Verdict alone(const Snapshot& snapshot, const InventoryHost& host, const Prefix& cidr,
              const HostFacts& facts) {
    Cause cause = unavailable(host, cidr.to_string(), facts, reason(snapshot, host.name, facts));
    cause.summary = "no packets can be sent between two pods of " + host.name;
    Verdict made = verdict(host, cause.subject, Status::unknown, cause.summary);
    made.causes.push_back(std::move(cause));
    return made;
}

// Why a pod of this network is not on the bridge that carries it; empty: it is, or there is none.
std::string kept_off(const Snapshot& snapshot, const HostId& host, const Prefix& cidr) {
    for (const RoundResult& round : snapshot.rounds) {
        const auto findings = round.hosts.find(host);
        if (findings == round.hosts.end() || !findings->second.known()) continue;
        for (const OpenedPod& opened : findings->second->opened)
            for (const PodSpec& spec : findings->second->asked)
                if (spec.number == opened.number && !opened.kept_off.empty() &&
                    std::any_of(spec.addresses.begin(), spec.addresses.end(),
                                [&](const Address& a) { return cidr.contains(a); }))
                    return opened.kept_off;
    }
    return {};
}

// Packets of real pods cross a bridge that those of ours do not, and what is wrong there is not seen.
Verdict beside(const InventoryHost& host, const Prefix& cidr, const std::string& why) {
    Cause cause;
    cause.code = "probe-unavailable";
    cause.severity = Severity::warning;
    cause.host = host.name;
    cause.subject = cidr.to_string();
    cause.summary = "the pod bridge of " + host.name + " was not tested: packets were sent beside it";
    cause.evidence = {why};
    return warned(host, cidr.to_string(), std::move(cause));
}

Verdict of_network(const Snapshot& snapshot, const Expected& expected, const InventoryHost& host,
                   const Prefix& cidr) {
    const HostFacts* facts = facts_of(snapshot, host.name);
    if (facts == nullptr) return not_read(snapshot, host, cidr.to_string());
    if (const Unknown* why = refused(snapshot, host.name))
        return without_probes(host, cidr.to_string(), *facts, why->why);
    const std::size_t opened = pods_opened(snapshot, host.name, cidr);
    if (opened == 0) return not_opened(snapshot, expected, host, cidr, *facts);
    if (lacks_second_pod(snapshot, host.name, cidr)) return alone(snapshot, host, cidr, *facts);
    if (const std::string why = kept_off(snapshot, host.name, cidr); !why.empty())
        return beside(host, cidr, why + stood_in(snapshot, host, cidr));
    return verdict(
        host, cidr.to_string(), Status::pass,
        "a synthetic pod was opened" + stood_in(snapshot, host, cidr) +
            (opened > 1 || has_room_for_two_pods(cidr) ? "" : "; there is room for no second one"));
}

}  // namespace

std::vector<Verdict> probe_ready(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    if (!packets_sent(snapshot)) return {};
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        if (snapshot.policy.pair && snapshot.policy.pair->first.host != host.name &&
            snapshot.policy.pair->second.host != host.name)
            continue;
        for (const Prefix& cidr : host.pod_cidrs)
            verdicts.push_back(of_network(snapshot, expected, host, cidr));
        // Of a host without pods there is nothing to say but this.
        const Unknown* why = host.pod_cidrs.empty() ? refused(snapshot, host.name) : nullptr;
        if (why != nullptr)
            verdicts.push_back(without_probes(host, host.addresses.front().to_string(),
                                              *facts_of(snapshot, host.name), why->why));
    }
    return verdicts;
}

}  // namespace podroute
