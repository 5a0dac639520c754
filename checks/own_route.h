// Where a host's tables send packets for its own pods.
#pragma once

#include <optional>

#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

// A cause if packets for the host's own pod network leave the host, are thrown away though the pod bridge
// stands ready, or are diverted by a rule. Falling to the default route before the first pod is as it should
// be, and so is a reject route under more specific pod routes. Tables, rules and links must be known.
std::optional<Cause> own_route_cause(const Snapshot& snapshot, const InventoryHost& host,
                                     const HostFacts& facts, const Prefix& cidr);

}  // namespace podroute
