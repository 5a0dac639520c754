// Asks the kernel to resolve neighbours, and waits for what comes of it.
#pragma once

#include "agent/netlink.h"
#include "model/wire.h"

namespace podroute::agent {

// NTF_USE on each target: the kernel solicits as it would for a packet, and no payload is sent. Returns the
// entries once all are resolved or failed, or after wait_ms. Errors: "solicit" where the agent may not.
Result<SolicitReply> solicit(Netlink& netlink, const Solicit& request);

}  // namespace podroute::agent
