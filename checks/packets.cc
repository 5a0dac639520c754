// What the checks about packets share.
#include "checks/packets.h"

#include <algorithm>

#include "checks/common.h"
#include "checks/own_network.h"
#include "engine/packet_words.h"
#include "model/pod_room.h"

namespace podroute {
namespace {

// The code of what stands in the way at one end, empty if nothing does.
std::string obstacle(const Snapshot& snapshot, const Expected& expected, const Endpoint& endpoint) {
    const auto facts = snapshot.hosts.find(endpoint.host);
    if (facts != snapshot.hosts.end() && !facts->second.known()) return facts->second.unknown().code;
    if (const Unknown* lost = lost_in_round(snapshot, endpoint.host)) return lost->code;
    const InventoryHost* host = snapshot.inventory.find(endpoint.host);
    if (host == nullptr || endpoint.vantage != Vantage::pod) return {};
    for (const Prefix& cidr : host->pod_cidrs)
        if (cidr.contains(endpoint.address) && pods_opened(snapshot, host->name, cidr) == 0)
            return why_no_pod(snapshot, expected, *host);
    return {};
}

}  // namespace

Verdict pair_verdict(const Inventory& inventory, const ProbedFlow& flow, Status status, std::string message) {
    Verdict made;
    made.host = flow.source.host;
    made.peer = flow.destination.host;
    made.subject = flow_name(inventory, flow);
    made.status = status;
    made.message = std::move(message);
    return made;
}

Verdict unless_foreign(Verdict verdict, const std::set<HostId>& foreign) {
    if (verdict.status != Status::fail) return verdict;
    for (const HostId& end : {verdict.host, verdict.peer}) {
        if (!foreign.contains(end)) continue;
        verdict.status = Status::unknown;
        verdict.message += "; the datapath of " + end + " is not the kernel's routing";
        verdict.blocked_by = "datapath-foreign";
        return verdict;
    }
    return verdict;
}

Verdict unknown_pair(const Snapshot& snapshot, const Expected& expected, const ProbedFlow& flow) {
    const std::string why = flow.not_sent.empty() ? "no packet was sent" : not_sent_text(flow);
    Verdict made =
        pair_verdict(snapshot.inventory, flow, Status::unknown, flow.unknown.empty() ? why : flow.unknown);
    made.blocked_by = obstacle(snapshot, expected, flow.source);
    if (made.blocked_by.empty()) made.blocked_by = obstacle(snapshot, expected, flow.destination);
    return made;
}

std::size_t pods_opened(const Snapshot& snapshot, const HostId& host, const Prefix& cidr) {
    std::ptrdiff_t most = 0;
    for (const RoundResult& round : snapshot.rounds) {
        const auto findings = round.hosts.find(host);
        if (findings == round.hosts.end() || !findings->second.known()) continue;
        const auto& pods = findings->second->pods;
        most = std::max(most, std::count_if(pods.begin(), pods.end(),
                                            [&](const Endpoint& pod) { return cidr.contains(pod.address); }));
    }
    return static_cast<std::size_t>(most);
}

bool lacks_second_pod(const Snapshot& snapshot, const HostId& host, const Prefix& cidr) {
    const auto& pair = snapshot.policy.pair;
    const bool wanted = !pair || (pair->first.host == host && pair->second.host == host);
    return wanted && pods_opened(snapshot, host, cidr) == 1 && has_room_for_two_pods(cidr);
}

std::string why_no_pod(const Snapshot& snapshot, const Expected& expected, const InventoryHost& host) {
    if (const Unknown* lost = lost_in_round(snapshot, host.name)) return lost->code;
    const HostFacts* facts = facts_of(snapshot, host.name);
    const bool privileged = facts != nullptr && facts->uid == 0;
    const std::string fault = privileged ? own_network_fault(snapshot, host, expected) : "";
    return fault.empty() ? "probe-unavailable" : fault;
}

}  // namespace podroute
