// The route class (faults.md): what a host's tables make of one peer CIDR. Every assertion about routes reads
// this one function.
#pragma once

#include <string>
#include <vector>

#include "engine/expected.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

enum class RouteClass : std::uint8_t {
    right,
    link_down,
    rule_diverted,
    missing,
    partial,
    shadowed,
    blackhole,
    wrong_gateway,
    neighbour_wrong,
    gateway_unresolved,
    unknown
};

struct Classification {
    RouteClass route_class = RouteClass::unknown;
    std::string expected;    // "10.200.1.0/24 via 10.240.0.21"
    std::string observed;    // "no match (network is unreachable)", "10.200.1.0/24 via 10.240.0.99 dev eth0"
    std::string note;        // of a right one: "by the covering route 10.200.0.0/16", else empty
    std::string why;         // of an unknown one
    std::string blocked_by;  // link_down, unknown: the cause code or check id that stands in the way
    std::optional<Cause> cause;  // of every class but right, link_down (links own that cause) and unknown
};

// The routes layer's answer for one expected route. `expected` must be from the same inventory.
Classification classify(const Snapshot& snapshot, const ExpectedRoute& expected);

// What other files need to know of a host's roles.
struct HostRoles {
    std::vector<std::uint32_t> uplinks;  // links that carry an inventory address, or that the route to the
                                         // peers' node addresses leaves by
    std::optional<std::uint32_t> pod_bridge;  // the bridge named in /etc/cni/net.d, else the link whose
                                              // network is the CIDR, else cni0, cnio0, cbr0
};
HostRoles roles(const HostFacts& facts, const InventoryHost& host);

}  // namespace podroute
