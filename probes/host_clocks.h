// Hosts' clocks, told by the packets that passed from one host to another. Pure.
#pragma once

#include <cstdint>
#include <map>

#include "model/round.h"

namespace podroute {

// Microseconds to add to the times of a host's frames, so that those of all hosts compare: 0 is when the
// round was fired. A packet that left one host and entered another says that it did so in this order, and
// packets of the other direction say the same the other way round: in between lies the difference of the two
// clocks, to within the time on the wire (RFC 5905 section 8 does likewise). Where none passed, both began to
// send together, to within the time of a request over SSH; a host that sent nothing caught its first frame
// then.
std::map<HostId, std::int64_t> clock_offsets(const Caught& caught);

}  // namespace podroute
