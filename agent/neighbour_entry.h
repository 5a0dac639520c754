// Permanent neighbour entries as objects of changes. Learned ones are absent: they come and go by themselves.
#pragma once

#include "agent/changes.h"
#include "agent/netlink.h"

namespace podroute::agent {

Result<Found> read_neighbour(Netlink& netlink, const NeighbourObject& object);
// Makes the entry permanent with that address, whatever was there; deletes it where `to` is null. Errors:
// "bad-change", "netlink" with the kernel's words.
Result<void> write_neighbour(Netlink& netlink, const NeighbourObject& object, const Neighbour* to);

}  // namespace podroute::agent
