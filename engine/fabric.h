// Losses between hosts: whose network card, or which entry of the network's route table, they are due to.
//
// Judged by arrivals alone. Of each host it is asked: did anything with a pod's source ever leave it and
// enter another host (NIC IP forwarding, anti-spoofing), and did anything for a pod of it ever enter it (NIC
// IP forwarding, the route table)? Packets from pods to nodes, and from nodes to pods, tell the two apart.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "engine/places.h"

namespace podroute {

// One leg that left an uplink of `sender` and entered no host, nor the one it was sent to.
struct FabricLoss {
    const ProbedFlow* flow = nullptr;
    ProbeLeg leg = ProbeLeg::request;
    HostId sender, target;  // the hosts of its ends, or a third that tables lead it through

    const Endpoint& from() const { return leg == ProbeLeg::request ? flow->source : flow->destination; }
    const Endpoint& to() const { return leg == ProbeLeg::request ? flow->destination : flow->source; }
};

struct FabricBlame {
    HostId host;             // empty: not one host
    bool sending = false;    // nothing of its pods gets through
    bool receiving = false;  // nothing for its pods gets through
    std::set<Protocol> protocols;
    bool one_protocol = false;        // others of the same pairs pass: a filter, not a route
    std::vector<std::size_t> losses;  // indices
};

// Every loss is in at least one; hosts in order of the inventory, what is no single host's last.
std::vector<FabricBlame> blame_fabric(const Snapshot& snapshot, const ProbeFacts& facts, Places& places,
                                      std::span<const FabricLoss> losses);

}  // namespace podroute
