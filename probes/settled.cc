// Counts what is left to wait for.
#include "probes/settled.h"

namespace podroute {

Settled::Settled(const RoundPlan& plan)
    : script_(plan.script), to_the_end_(plan.stage == RoundStage::detail), index_(plan.script) {
    for (const auto& [host, task] : plan.tasks) hosts_[host];
    for (const ProbeFlow& flow : script_.flows)
        if (waits_for(flow)) hosts_[flow.source.host].left += flow.count;
}

bool Settled::waits_for(const ProbeFlow& flow) const {
    return (flow.purpose != Purpose::next_hop || to_the_end_) && flow.unknown.empty();
}

bool Settled::complete(const HostId& host, std::span<const Frame> frames) {
    const auto at = hosts_.find(host);
    if (at == hosts_.end()) return true;
    Open& open = at->second;
    for (; open.read < frames.size(); ++open.read) {
        const Frame& frame = frames[open.read];
        if (frame.leaving) continue;
        const auto seen = read_probe(frame.bytes, {script_.word, script_.tag});
        if (!seen || seen->kind == SeenKind::request) continue;
        const auto found = index_.find(*seen);
        if (!found) continue;
        const ProbeFlow& flow = script_.flows[found->flow];
        if (flow.source.host != host || flow.source_pod != frame.pod || !waits_for(flow)) continue;
        const std::uint64_t key = static_cast<std::uint64_t>(found->flow) << 16 | found->nth;
        if (open.left > 0 && open.done.emplace(key, true).second) --open.left;
    }
    return open.left == 0;
}

}  // namespace podroute
