// Is an address free for a synthetic pod, as far as its host knows? The wire is asked by address_probe.h.
#pragma once

#include <string>
#include <vector>

#include "agent/descriptor.h"
#include "agent/netlink.h"

namespace podroute::agent {

// The file host-local IPAM keeps for an address in use: DIRECTORY/NETWORK/ADDRESS. Errors:
// "pod-unavailable", where = the address; without one where not every network could be looked at.
Result<void> not_in_ipam(const Address& address, const std::string& directory = "/var/lib/cni/networks");

// The host has no route to this one address, it is not the host's own, and with a bridge (its ifindex, else
// 0) packets to it leave by that. Errors: "pod-unavailable", where = the address; without one where the
// kernel did not say.
Result<void> not_routed(Netlink& netlink, const Address& address, std::uint32_t bridge);

// The bridge (its ifindex) has no permanent entry for it, which would be somebody's own: learned ones come
// and go. Errors: "pod-unavailable", where = the address; without one where the kernel did not say.
Result<void> not_assigned(Netlink& netlink, const Address& address, std::uint32_t bridge);

// Takes the address among all runs on this host, for as long as the descriptor is open: two that ask for it
// at the same moment would hear of nobody. A name in the abstract socket namespace (unix(7)), which is one
// for each network namespace and ends with its holder. Errors: "pod-unavailable", where = the address that
// another run has; without one where none could be taken.
Result<Descriptor> reserve(const Address& address);

}  // namespace podroute::agent
