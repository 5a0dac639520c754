// Stretches of a CIDR that share one fate.
#include "engine/samples.h"

#include <algorithm>

namespace podroute {
namespace {

// The largest prefix that starts at `first` and does not pass `last`.
Prefix largest_from(const Address& first, const Address& last) {
    for (unsigned length = 0; length < first.bits(); ++length) {
        const Prefix prefix{first, length};
        if (prefix.network() == first && prefix.last() <= last) return prefix;
    }
    return Prefix::host(first);
}

}  // namespace

std::vector<Stretch> joined(const std::vector<Stretch>& stretches) {
    std::vector<Stretch> result;
    for (const Stretch& stretch : stretches) {
        if (!result.empty() && result.back().last.offset(1) == stretch.first)
            result.back().last = stretch.last;
        else
            result.push_back(stretch);
    }
    return result;
}

std::vector<Prefix> covering_prefixes(const std::vector<Stretch>& stretches) {
    std::vector<Prefix> prefixes;
    for (const Stretch& stretch : joined(stretches)) {
        Address at = stretch.first;
        while (true) {
            const Prefix prefix = largest_from(at, stretch.last);
            prefixes.push_back(prefix);
            if (prefix.last() >= stretch.last) break;
            at = prefix.last().offset(1);
        }
    }
    return prefixes;
}

std::optional<Address> usable_sample(const Stretch& stretch, const Prefix& cidr) {
    const Address sample = std::max(stretch.first, cidr.first_usable());
    if (sample > stretch.last || sample > cidr.last_usable()) return std::nullopt;
    return sample;
}

}  // namespace podroute
