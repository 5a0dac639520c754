// Pods, and the lookups that need their addresses.
#include "probes/pod_round.h"

#include "model/taken_addresses.h"
#include "probes/next_hops.h"
#include "probes/pod_plan.h"
#include "probes/sites.h"

namespace podroute {
namespace {

// Addresses that the host would not give, in any round so far.
std::set<Address> refused_by(const Snapshot& snapshot, const HostId& host) {
    std::set<Address> out;
    for (const RoundResult& round : snapshot.rounds) {
        const auto at = round.hosts.find(host);
        if (round.stage != RoundStage::pods || at == round.hosts.end() || !at->second.known()) continue;
        for (const Error& error : at->second->pods_refused)
            for (const Address& address : taken_addresses(error)) out.insert(address);
    }
    return out;
}

// Asked again is only who would have given another address.
bool refused_address(const Snapshot& snapshot, const HostId& host) {
    const HostFindings* findings = pods_of(snapshot, host);
    return findings != nullptr && findings->opened.empty() && !findings->pods_refused.empty() &&
           !taken_addresses(findings->pods_refused.front()).empty();
}

}  // namespace

std::optional<RoundPlan> plan_pod_round(const Snapshot& snapshot, unsigned attempt, bool sparing) {
    RoundPlan plan;
    plan.stage = RoundStage::pods;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const auto at = snapshot.hosts.find(host.name);
        if (at == snapshot.hosts.end() || !at->second.known()) continue;
        if (attempt != 0 && !refused_address(snapshot, host.name)) continue;
        PodPlan pods =
            plan_pods(snapshot, host, *at->second, refused_by(snapshot, host.name), attempt, !sparing);
        if (!pods.unavailable.empty()) plan.script.unavailable[host.name] = std::move(pods.unavailable);
        if (pods.pods.empty()) continue;
        HostTask& task = plan.tasks[host.name];
        task.lookups = leg_queries(snapshot, host, *at->second, pods.pods);
        task.pods = std::move(pods.pods);
    }
    if (plan.tasks.empty() && plan.script.unavailable.empty()) return std::nullopt;
    return plan;
}

}  // namespace podroute
