// Samples of a peer CIDR: looked up, and what becomes of the packets of each.
#pragma once

#include "engine/causes.h"
#include "engine/host_context.h"

namespace podroute {

// Adds to `route_case.samples` one for each stretch of the CIDR within which all lookups give the same, and
// kind of packet: of the host itself, and of its pods (of a host without pods, as it answers). `fib`: the
// host's tables, under the remedies that the case names as mended. Where the kernel's own answers differ from
// its tables they count, and the evidence says so.
void sample_fates(const HostContext& host, const Fib& fib, RouteCase& route_case);

}  // namespace podroute
