// The pod bridge of a host, and whether its addresses are those of the host's pod networks.
#pragma once

#include <vector>

#include "model/facts.h"
#include "model/inventory.h"

namespace podroute {

// Null if the host has none.
const Link* pod_bridge(const HostFacts& facts, const InventoryHost& host);

// Link-local ones aside; none if addresses were not read.
std::vector<const InterfaceAddress*> addresses_of(const HostFacts& facts, const Link& link, Family family);

// The bridge's addresses of that family, where none of them is of a pod CIDR of the host.
std::vector<const InterfaceAddress*> foreign_addresses(const HostFacts& facts, const InventoryHost& host,
                                                       const Link& bridge, Family family);

// Networks on the pod bridge of families in which it carries none of the host's pod CIDRs.
std::vector<Prefix> foreign_bridge_networks(const HostFacts& facts, const InventoryHost& host);

// The link that carries an address of exactly this network, among the pod bridge's; null if it has none.
const Link* bridge_with(const HostFacts& facts, const InventoryHost& host, const Prefix& cidr);

}  // namespace podroute
