// What should hold: from the inventory, and who is to deliver pod networks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/inventory.h"
#include "model/policy.h"

namespace podroute {

// `host` needs a route for `pod_cidr` of `owner` by way of the owner's node address of the same family.
struct ExpectedRoute {
    HostId host;
    Prefix pod_cidr;
    HostId owner;
    Address next_hop;

    bool operator==(const ExpectedRoute&) const = default;
};

// Two pod CIDRs that overlap, or a pod CIDR that covers a node address (then `second` is that host prefix).
struct Overlap {
    Prefix first, second;
    HostId first_host, second_host;  // second_host: the later line of machines.txt, the one at fault
    bool covers_node = false;

    std::string second_text() const;  // as machines.txt has it
    std::string subject() const;      // both
    bool operator==(const Overlap&) const = default;
};

struct Expected {
    std::vector<ExpectedRoute> routes;  // by host in file order, then by CIDR in file order; none for a
                                        // family the host has no address of
    std::vector<Overlap> overlaps;
    Routing routing = Routing::host;  // fabric: hosts need no routes; never automatic
};

// Of hosts that route.
Expected expect(const Inventory& inventory);

// "ip route add 10.200.1.0/24 via 10.240.0.21" (with -6 for IPv6), as the tutorial writes it.
std::string route_add_command(const ExpectedRoute& route);

}  // namespace podroute
