// Ranges of numbers, by target and protocol.
#include "probes/probe_index.h"

#include <algorithm>

namespace podroute {

ProbeIndex::ProbeIndex(const ProbeScript& script) : key_{script.word, script.tag} {
    for (std::size_t i = 0; i < script.flows.size(); ++i) {
        const ProbeFlow& flow = script.flows[i];
        if (flow.count == 0) continue;
        ranges_[flow.destination.address]
            .at(static_cast<std::size_t>(flow.protocol))
            .push_back(
                {flow.first, flow.count, i,
                 flow.source.vantage == Vantage::pod ? std::optional(flow.source.address) : std::nullopt});
    }
}

bool ProbeIndex::of_another_run(const SeenPacket& seen, const std::optional<Address>& pod) const {
    if (seen.protocol != Protocol::tcp || seen.kind == SeenKind::objection) return false;
    const Address& prober = seen.kind == SeenKind::request ? seen.source : seen.destination;
    return pod == prober && seen.source_port != source_port(key_, seen.number);
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
    if (nth >= at->count || of_another_run(seen, at->pod)) return std::nullopt;
    return Found{at->flow, nth};
}

}  // namespace podroute
