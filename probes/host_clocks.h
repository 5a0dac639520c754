// Hosts' clocks, told by the packets that passed from one host to another. Pure.
#pragma once

#include <cstdint>
#include <map>

#include "model/round.h"

namespace podroute {

// Microseconds to add to the times of a host's frames, so that those of all hosts compare: 0 is when the
// round was fired. A packet that left one host (or a pod there) and entered another says that it did so in
// this order, and packets of the other direction say the same the other way round; so do those that went by
// way of further hosts. In between lies the difference of the two clocks (RFC 5905 section 8 does likewise):
//   both bounds are known    the middle, narrow ones first
//   one is                   that: a packet is not long on the wire
//   none is                  both began to send together, to within the time of a request over SSH, and who
//                            sent nothing caught its first frame then
// No packet that was seen enters before it left, unless the clocks contradict themselves.
std::map<HostId, std::int64_t> clock_offsets(const Caught& caught);

}  // namespace podroute
