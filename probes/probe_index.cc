// Ranges of numbers, by target and protocol.
#include "probes/probe_index.h"

#include <algorithm>

namespace podroute {

ProbeIndex::ProbeIndex(const ProbeScript& script) {
    for (std::size_t i = 0; i < script.flows.size(); ++i) {
        const ProbeFlow& flow = script.flows[i];
        if (flow.count == 0) continue;
        ranges_[flow.destination.address]
            .at(static_cast<std::size_t>(flow.protocol))
            .push_back({flow.first, flow.count, i});
    }
}

std::optional<ProbeIndex::Found> ProbeIndex::find(const SeenPacket& seen) const {
    const auto target = ranges_.find(seen.target);
    if (target == ranges_.end()) return std::nullopt;
    const auto& ranges = target->second.at(static_cast<std::size_t>(seen.protocol));
    auto at = std::upper_bound(ranges.begin(), ranges.end(), seen.number,
                               [](std::uint16_t number, const Range& r) { return number < r.first; });
    if (at == ranges.begin()) return std::nullopt;
    --at;
    const auto nth = static_cast<std::uint16_t>(seen.number - at->first);
    return nth < at->count ? std::optional(Found{at->flow, nth}) : std::nullopt;
}

}  // namespace podroute
