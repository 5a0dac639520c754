// Which synthetic pods a host is to open. Pure.
#pragma once

#include <set>
#include <vector>

#include "model/snapshot.h"

namespace podroute {

struct PodPlan {
    std::vector<PodSpec> pods;
    std::vector<Error> unavailable;  // why there are none, or fewer
};

// A pod for each pod CIDR of the host (one for both families where one link carries both, or none does), and
// with `neighbour` a second one beside each, for packets that never leave the host. A bridge that carries the
// CIDR is joined, whatever its name; without one the pod is joined point to point. Pods of Policy::pair have
// its pair_addresses, where those may be a pod's. No address that the host has a route to alone, and none of
// `refused`, which it would not give; those that it was asked for and did not refuse are asked for again.
// `attempt` changes every other choice. Nothing without privilege: "no-privilege".
PodPlan plan_pods(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                  const std::set<Address>& refused, unsigned attempt, bool neighbour);

}  // namespace podroute
