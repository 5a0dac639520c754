// Whether what a host takes for its pod network is what machines.txt says: bridge, CNI and kubelet
// configuration.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/expected.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

// What the kernel makes of an address with this network on a link.
Route connected_route(const Prefix& network, std::uint32_t ifindex);

// What speaks against `cidr` being the host's pod network, as one cause; nothing if nothing does. A warning,
// where it speaks only of pods to come.
std::optional<Cause> network_mismatch(const InventoryHost& host, const HostFacts& facts, const Prefix& cidr,
                                      const Expected& expected);

// The code of what is wrong with the host's own pod networks, or with the link that carries them: while it
// is, no pod can be opened there. Empty if nothing is (pod_cidr_own.cc).
std::string own_network_fault(const Snapshot& snapshot, const InventoryHost& host, const Expected& expected);

}  // namespace podroute
