// What was caught, told by the script of its round. Pure.
#pragma once

#include "model/prober.h"

namespace podroute {

// A result for each flow, in the script's order. A flow one of whose hosts was lost in the round is unknown,
// never lost. Only what the script is about is taken from what a host sends.
RoundResult read_script(const RoundPlan& plan, const Caught& caught);

}  // namespace podroute
