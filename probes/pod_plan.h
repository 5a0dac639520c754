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
// its pair_addresses, where those may be a pod's. `refused` are addresses
// that the host would not give; `attempt` changes every choice. Nothing without privilege: "no-privilege".
PodPlan plan_pods(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                  const std::set<Address>& refused, unsigned attempt, bool neighbour);

// The link with an address whose network is this CIDR, else one whose network covers it; null if no bridge's.
const Link* bridge_of(const HostFacts& facts, const Prefix& cidr);

// Links with an inventory address of the host, those by which it reaches its peers, and those by which its
// peers' routes reach its pods.
std::vector<const Link*> uplinks_of(const Snapshot& snapshot, const InventoryHost& host,
                                    const HostFacts& facts);

}  // namespace podroute
