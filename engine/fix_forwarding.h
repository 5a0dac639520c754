// Turning forwarding on, and nothing else: the narrowest change, with all that the kernel would overwrite.
#pragma once

#include "model/change.h"
#include "model/result.h"
#include "model/snapshot.h"

namespace podroute {

// Of a remedy that raises a sysctl: what --fix is to apply. Writing ip_forward (or ipv6 conf.all.forwarding)
// overwrites every link's own setting (devinet_sysctl_forward(), addrconf_fixup_forwarding()), so that these
// become one change of the whole set: afterwards forwarding is on for the links that carry node or pod
// traffic, for links to come where the pods' one is still to come, and everything else is as before. Other
// sysctls are returned as they are. Errors ("refused"): a value of the set was not read; no link is known to
// carry the traffic; an IPv6 default route from router advertisements would go.
Result<Change> narrowest(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                         const Change& remedy);

}  // namespace podroute
