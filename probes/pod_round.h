// The round that opens synthetic pods. Pure.
#pragma once

#include <optional>

#include "model/prober.h"

namespace podroute {

// Attempt 0 asks every host for its pods, a later one those that refused, with other addresses. A `sparing`
// one goes without the second pod, so that a network that is small or nearly full has at least one. Nothing
// if there is nobody to ask.
std::optional<RoundPlan> plan_pod_round(const Snapshot& snapshot, unsigned attempt, bool sparing);

}  // namespace podroute
