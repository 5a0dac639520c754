// Routes as objects of changes: the one route of a key, made, replaced, deleted.
#pragma once

#include "agent/changes.h"
#include "agent/netlink.h"

namespace podroute::agent {

// The route of that destination, table, metric and TOS. Errors: there are several (ip route append), netlink.
Result<Found> read_route(Netlink& netlink, const RouteObject& object);
// From null: made exclusively, "File exists" is an error. To null: the route that is exactly `from` is
// deleted. Else replaced. Errors: "netlink" with the kernel's words.
Result<void> write_route(Netlink& netlink, const Route* from, const Route* to);

}  // namespace podroute::agent
