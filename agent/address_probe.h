// Does anybody on the wire answer for an address that a synthetic pod is to have?
#pragma once

#include <linux/filter.h>

#include <span>
#include <vector>

#include "agent/interfaces.h"

namespace podroute::agent {

// Nobody on the bridge answers for any of them within 20 ms: ARP probes (RFC 5227) and neighbour
// solicitations as of duplicate address detection (RFC 4862), which leave no entry in any neighbour table.
// Errors: "pod-unavailable", where = the first that was answered for.
Result<void> not_answered(const std::vector<Address>& addresses, const Interface& bridge);

// Lets through what may be such an answer: frames with ARP, and neighbour advertisements.
std::span<const sock_filter> answers_filter();

}  // namespace podroute::agent
