// Packets that a kernel would not send, and that is their fate: no want of room or of an address.
#pragma once

#include <cstdint>
#include <span>

#include "model/probe.h"

namespace podroute {

// As one who asks what becomes of pods' packets must know: EPERM of a filter, or the errno of a lookup
// (ENETUNREACH ..), the first in this order; 0 if there is none. A pod's own kernel has neither.
int refusal(const Endpoint& source, std::span<const NotSent> not_sent);
// How many for such a reason.
std::uint32_t refused(const Endpoint& source, std::span<const NotSent> not_sent);

}  // namespace podroute
