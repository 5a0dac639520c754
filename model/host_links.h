// By which links of a host the packets of the cluster pass, as its facts say: those who listen there and
// those who judge what was heard mean the same links.
#pragma once

#include <vector>

#include "model/snapshot.h"

namespace podroute {

// Null if there is none, or links were not read.
const Link* link_at(const HostFacts& facts, std::uint32_t ifindex);

// The address on a bridge whose network is this CIDR, else one inside the CIDR whose network covers it; null
// if no bridge has one.
const InterfaceAddress* on_bridge(const HostFacts& facts, const Prefix& cidr);
// The bridge that carries it, whatever its name.
const Link* bridge_of(const HostFacts& facts, const Prefix& cidr);

// Links with an inventory address of the host, those by which it reaches its peers, and those by which its
// peers' routes reach its pods; in this order, each once.
std::vector<const Link*> uplinks_of(const Snapshot& snapshot, const InventoryHost& host,
                                    const HostFacts& facts);

}  // namespace podroute
