// Whose an address is that somebody answered from.
#pragma once

#include "engine/probe_facts.h"

namespace podroute {

// The host of the inventory that carries the address; empty if none is known to. Many hosts may carry one
// (docker0): the ends of the flow come first, the target of its failed leg before the sender, then the one
// whose address it is by the inventory.
HostId carrier(const Snapshot& snapshot, const ProbedFlow& flow, const Address& address);

}  // namespace podroute
