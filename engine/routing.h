// Who delivers pod networks here: the hosts' own routes, or the network between them.
#pragma once

#include "engine/probe_facts.h"

namespace podroute {

// What the policy says. Where it leaves it open: fabric if no host that was read holds a non-default route
// for any peer's pod CIDR and of every pair from pod to pod of other hosts that was tried, some packet
// arrived and was answered (where none was, of every pair of a pod and a control host), else host. Never
// automatic.
Routing routing_of(const Snapshot& snapshot, const ProbeFacts& probes);

// No host that was read holds such a route, and yet packets to pods of some other host come through:
// the network delivers them, whatever it does not.
bool delivers_some_without_routes(const Snapshot& snapshot, const ProbeFacts& probes);

}  // namespace podroute
