// Stretches of a CIDR that share one fate, and the prefixes that cover them.
#pragma once

#include <optional>
#include <vector>

#include "engine/fib.h"

namespace podroute {

// Neighbouring stretches joined; `stretches` in order.
std::vector<Stretch> joined(const std::vector<Stretch>& stretches);
// The fewest prefixes that cover exactly these addresses, in order.
std::vector<Prefix> covering_prefixes(const std::vector<Stretch>& stretches);
// An address of the stretch that a pod may carry, none if the stretch has none (broadcast, network address).
std::optional<Address> usable_sample(const Stretch& stretch, const Prefix& cidr);

}  // namespace podroute
