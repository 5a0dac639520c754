// From the fates of samples to the one class of the route: the first that fits, in the order of faults.md.
#pragma once

#include "engine/causes.h"
#include "engine/host_context.h"

namespace podroute {

// The link that stands in the way, null if none does: one that a next hop leaves by, or, where nothing right
// was found, the one that a right route would leave by (its routes went with it).
const Link* down_link(const HostContext& host, const RouteCase& route_case);

// Sets class, cause, and what was observed; the links are up.
void classify_samples(const HostContext& host, const RouteCase& whole, Classification& result);

}  // namespace podroute
