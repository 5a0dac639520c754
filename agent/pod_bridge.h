// May a synthetic pod join this bridge, so that nothing of the bridge is changed by its coming and going?
#pragma once

#include <optional>
#include <string>

#include "agent/interfaces.h"

namespace podroute::agent {

struct Bridge {
    Interface link;
    // Why the pod stays off it and is reached by a route of its own, which the kernel prefers to the
    // bridge's network; empty: it may join. Measured on Linux 6.18:
    // - A bridge whose MAC is not set takes the lowest of its ports' MACs (br_stp_recalculate_bridge_id).
    //   Empty, it would take the pod's, and 00:00:00:00:00:00 when the pod has left. With another port it
    //   keeps its own, because the pod's host end has a higher one.
    // - A bridge that gets carrier for the first time gives itself fe80::, and its IPv6 addresses end being
    //   tentative; both stay when the carrier has gone.
    // - With spanning tree a port forwards after 30 s.
    std::string keep_off;
};

// `host_mac` is to be the MAC of the pod's host end. Errors: there is no such bridge.
Result<Bridge> look_at_bridge(Netlink& netlink, const std::string& name, const Mac& host_mac);

}  // namespace podroute::agent
