// The kernel's tables as facts: links, addresses, routes, rules, neighbours, by netlink dumps.
#pragma once

#include <functional>
#include <vector>

#include "agent/netlink.h"
#include "model/facts.h"

namespace podroute::agent {

Result<std::vector<Link>> read_links(Netlink& netlink);
Result<std::vector<InterfaceAddress>> read_addresses(Netlink& netlink);
// Routes of both families, all tables and types, that `wanted` keeps. Cloned (cache) entries are left out.
Result<std::vector<Route>> read_routes(Netlink& netlink, const std::function<bool(const Prefix&)>& wanted);
Result<std::vector<Rule>> read_rules(Netlink& netlink);
struct Neighbours {
    std::vector<Neighbour> wanted;
    std::uint64_t uncounted_v4 = 0, uncounted_v6 = 0;  // of all of them, as in NeighbourTable
};
Result<Neighbours> read_neighbours(Netlink& netlink, const std::function<bool(const Address&)>& wanted);

// A route message (RTM_NEWROUTE), of dumps and lookups alike.
struct ParsedRoute {
    Route route;
    std::uint32_t object = 0;  // the next hop object whose legs the message leaves out, 0 for none
};
ParsedRoute parse_route(const nlmsghdr& header);

}  // namespace podroute::agent
