// Which addresses of a pod network synthetic pods may have: those who pick them and those who judge that
// there was none mean the same.
#pragma once

#include <cstddef>

#include "model/ip.h"

namespace podroute {

// Of so many usable addresses, in order, the first that an address manager which counts from the bottom
// reaches last: the top quarter.
constexpr std::size_t first_for_pods(std::size_t usable) {
    return usable * 3 / 4;
}

// Whether there are at least two.
inline bool has_room_for_two_pods(const Prefix& cidr) {
    constexpr unsigned kSmall = 4;  // host bits; a network with more has four and up
    const unsigned host_bits = cidr.network().bits() - cidr.length();
    if (host_bits < 2) return false;
    if (host_bits >= kSmall) return true;
    std::size_t usable = 1;
    for (Address a = cidr.first_usable(); a != cidr.last_usable(); a = a.offset(1)) ++usable;
    return usable - first_for_pods(usable) >= 2;
}

}  // namespace podroute
