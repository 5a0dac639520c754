// Addresses that were asked for, and which ones stand for them. Pure.
#pragma once

#include <string>
#include <vector>

#include "model/snapshot.h"

namespace podroute {

// The synthetic pod of a pair has another address than the one that was given for it.
struct StandIn {
    HostId host;
    Address asked, used;
    std::string why;
};

// Of Policy::pair, as its probes were sent; none where no pod was opened.
std::vector<StandIn> stand_ins(const Snapshot& snapshot);

// "10.200.1.203 stands for 10.200.1.7: another answers for it"
std::string stand_in_text(const StandIn& one);

}  // namespace podroute
