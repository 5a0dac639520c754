// The kernel's own FIB answers (RTM_GETROUTE with RTM_F_FIB_MATCH).
#pragma once

#include "agent/netlink.h"
#include "model/facts.h"

namespace podroute::agent {

// A query whose iif does not exist is answered with ENODEV.
FibAnswer lookup(Netlink& netlink, const FibQuery& query);

}  // namespace podroute::agent
