// All facts of this host, in one answer.
#pragma once

#include <string>

#include "agent/netlink.h"
#include "model/wire.h"

namespace podroute::agent {

// What cannot be read is Unknown with the reason. `ssh_connection` is what the session's environment says.
HostFacts gather(Netlink& netlink, const Gather& request, const std::string& ssh_connection);

}  // namespace podroute::agent
