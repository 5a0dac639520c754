// Counts what is left to wait for.
#include "probes/settled.h"

#include <algorithm>

#include "probes/capture_point.h"

namespace podroute {

Settled::Settled(const RoundPlan& plan) : script_(plan.script), index_(plan.script) {
    for (const auto& [host, task] : plan.tasks) hosts_[host];
    for (const ProbeFlow& flow : script_.flows)
        if (const HostId* host = witness(flow)) hosts_[*host].left += flow.count;
}

const HostId* Settled::witness(const ProbeFlow& flow) const {
    if (!flow.unknown.empty()) return nullptr;
    if (flow.purpose != Purpose::next_hop) return &flow.source.host;
    const HostId& owner = flow.destination.host;
    const auto points = script_.points.find(owner);
    if (points == script_.points.end()) return nullptr;
    const bool on_links = std::any_of(points->second.begin(), points->second.end(),
                                      [](const CapturePoint& point) { return point.pod == 0; });
    return on_links ? &owner : nullptr;
}

bool Settled::settles(const HostId& host, const Frame& frame, const SeenPacket& seen,
                      const ProbeFlow& flow) const {
    const HostId* who = witness(flow);
    if (who == nullptr || *who != host) return false;
    if (flow.purpose != Purpose::next_hop)
        return seen.kind != SeenKind::request && flow.source_pod == frame.pod;
    return seen.kind == SeenKind::request && frame.pod == 0 &&
           point_of(script_.points.at(host), frame) != nullptr;
}

bool Settled::complete(const HostId& host, std::span<const Frame> frames) {
    const auto at = hosts_.find(host);
    if (at == hosts_.end()) return true;
    Open& open = at->second;
    for (; open.read < frames.size(); ++open.read) {
        const Frame& frame = frames[open.read];
        if (frame.leaving) continue;
        const auto seen = read_probe(frame.bytes, {script_.word, script_.tag});
        const auto found = seen ? index_.find(*seen) : std::nullopt;
        if (!found || !settles(host, frame, *seen, script_.flows[found->flow])) continue;
        const std::uint64_t key = static_cast<std::uint64_t>(found->flow) << 16 | found->nth;
        if (open.left > 0 && open.done.insert(key).second) --open.left;
    }
    return open.left == 0;
}

}  // namespace podroute
