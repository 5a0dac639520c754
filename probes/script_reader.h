// What was caught, told by the script of its round. Pure.
#pragma once

#include "model/prober.h"

namespace podroute {

// A SYN-ACK that is lost is sent once more after 1 s (RFC 6298 section 2.1): one that comes so much later
// than others of its pair, in us, is such a repetition, and no answer.
inline constexpr std::uint32_t kRepeatedAfter = 900'000;

// A result for each flow, in the script's order. A flow one of whose hosts was lost in the round is unknown,
// never lost. Only what the script is about is taken from what a host sends.
RoundResult read_script(const RoundPlan& plan, const Caught& caught);

}  // namespace podroute
