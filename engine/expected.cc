// What should hold, from the inventory alone.
#include "engine/expected.h"

namespace podroute {
namespace {

void add_routes(const Inventory& inventory, const InventoryHost& host, std::vector<ExpectedRoute>& routes) {
    for (const InventoryHost& owner : inventory.hosts) {
        if (owner.name == host.name) continue;
        for (const Prefix& cidr : owner.pod_cidrs) {
            const auto next_hop = owner.address(cidr.family());
            if (!next_hop || !host.address(cidr.family())) continue;
            routes.push_back({host.name, cidr, owner.name, *next_hop});
        }
    }
}

struct OwnedCidr {
    const InventoryHost* host;
    Prefix cidr;
    unsigned line;  // the last line of machines.txt that could have named it
};

unsigned line_of(const InventoryHost& host) {
    return host.lines.empty() ? 0 : host.lines.back();
}

void add_cidr_overlaps(const std::vector<OwnedCidr>& cidrs, std::vector<Overlap>& overlaps) {
    for (std::size_t i = 0; i < cidrs.size(); ++i) {
        for (std::size_t j = i + 1; j < cidrs.size(); ++j) {
            if (!cidrs[i].cidr.overlaps(cidrs[j].cidr)) continue;
            const bool swap = cidrs[i].line > cidrs[j].line;
            const OwnedCidr& first = swap ? cidrs[j] : cidrs[i];
            const OwnedCidr& second = swap ? cidrs[i] : cidrs[j];
            overlaps.push_back({first.cidr, second.cidr, first.host->name, second.host->name, false});
        }
    }
}

// The CIDR is `first` here whichever line is later: `second` is the node's host prefix (expected.h).
void add_node_overlaps(const Inventory& inventory, const std::vector<OwnedCidr>& cidrs,
                       std::vector<Overlap>& overlaps) {
    for (const OwnedCidr& owned : cidrs)
        for (const InventoryHost& host : inventory.hosts)
            for (const Address& address : host.addresses)
                if (owned.cidr.contains(address))
                    overlaps.push_back(
                        {owned.cidr, Prefix::host(address), owned.host->name, host.name, true});
}

}  // namespace

std::string Overlap::second_text() const {
    return covers_node ? second.network().to_string() : second.to_string();
}

std::string Overlap::subject() const {
    return first.to_string() + " and " + second_text();
}

Expected expect(const Inventory& inventory) {
    Expected expected;
    std::vector<OwnedCidr> cidrs;
    for (const InventoryHost& host : inventory.hosts) {
        add_routes(inventory, host, expected.routes);
        for (const Prefix& cidr : host.pod_cidrs) cidrs.push_back({&host, cidr, line_of(host)});
    }
    add_cidr_overlaps(cidrs, expected.overlaps);
    add_node_overlaps(inventory, cidrs, expected.overlaps);
    return expected;
}

std::string route_add_command(const ExpectedRoute& route) {
    const bool v6 = route.pod_cidr.family() == Family::v6;
    return std::string(v6 ? "ip -6" : "ip") + " route add " + route.pod_cidr.to_string() + " via " +
           route.next_hop.to_string();
}

}  // namespace podroute
