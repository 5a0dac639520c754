// Routes with several next hops: which address in the peer's network is sent by way of which of them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "probes/pod_plan.h"

namespace podroute {

// Of one host. A route whose legs are more than is left of them is not tried, and that is said of each leg.
inline constexpr std::size_t kMaxLegsOfHost = 256;

// One leg of a host's route to a pod network.
struct LegTarget {
    Prefix cidr;                    // where the route leads
    HostId owner;                   // whose that is
    Address gateway;                // the leg's next hop
    std::optional<Address> target;  // an address that is sent by way of it
    std::string unknown;            // why there is none, else empty
    Address source;                 // the synthetic pod it is sent from

    bool operator==(const LegTarget&) const = default;
};

// Lookups, to be asked when the pods are open, of which leg the kernel takes from the host's pod to addresses
// of each pod network that it reaches by several next hops. It hashes addresses, and also ports with
// fib_multipath_hash_policy 1; echo has none, so that one answer holds for both.
std::vector<FibQuery> leg_queries(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                                  const std::vector<PodSpec>& pods);

// The legs of the host's routes, from the answers in its findings. A leg that no address takes has no target.
// None without a pod of that family to send from: the pairs of the host say why there is none.
std::vector<LegTarget> leg_targets(const Snapshot& snapshot, const InventoryHost& host,
                                   const HostFacts& facts, const HostFindings& findings);

}  // namespace podroute
