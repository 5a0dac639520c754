// Sizes of a pair, and their judgement.
#include "engine/full_size.h"

#include <unordered_map>
#include <unordered_set>

#include "engine/loss.h"
#include "engine/probe_finding.h"

namespace podroute {
namespace {

constexpr std::uint32_t kLeastSent = 3;  // of full size: fewer may all be lost by chance

using Ends = std::pair<Endpoint, Endpoint>;

// Of a pair that loses small packets, too, large ones say nothing of their size unless clearly more of them
// are lost: their intervals do not meet.
bool small_ones_hide(const ProbedFlow& small, const ProbedFlow& full) {
    if (small.fate() == ProbeFate::works) return false;
    if (small.fate() != ProbeFate::partly_lost || full.arrived > 0) return true;
    return loss_interval(full.sent, full.sent).lower <= loss_interval(small.lost(), small.tried()).upper;
}

}  // namespace

std::vector<FullSize> full_sizes(const ProbeFacts& facts) {
    std::unordered_set<Ends, EndpointHash> by_tcp;
    for (const ProbedFlow& flow : facts.full_size)
        if (flow.protocol == Protocol::tcp) by_tcp.emplace(flow.source, flow.destination);
    std::vector<FullSize> all;
    std::unordered_map<Ends, std::size_t, EndpointHash> index;
    for (const ProbedFlow& flow : facts.full_size) {
        const Ends ends{flow.source, flow.destination};
        if (flow.protocol != Protocol::tcp && by_tcp.contains(ends)) continue;
        const auto [at, added] = index.emplace(ends, all.size());
        if (added) all.emplace_back();
        FullSize& entry = all[at->second];
        if (entry.largest == nullptr || flow.size > entry.largest->size) entry.largest = &flow;
        if (flow.fate() != ProbeFate::unknown) ++entry.tried;
        const bool some = flow.fate() != ProbeFate::unknown && flow.heard() > 0;
        if (some && (entry.passing == nullptr || flow.size > entry.passing->size)) entry.passing = &flow;
        for (const Objection& objection : flow.objections)
            if (too_big(objection, flow.source.address.family()) &&
                (entry.named_mtu == 0 || objection.mtu < entry.named_mtu))
                entry.named_mtu = objection.mtu;
    }
    return all;
}

SizeFinding finding_of(const ProbeFacts& facts, const FullSize& sizes, std::uint32_t max_loss_ppm) {
    const ProbedFlow& full = *sizes.largest;
    if (full.fate() == ProbeFate::unknown) return SizeFinding::unknown;
    const ProbedFlow* small = facts.either_way(full.source, full.destination, full.protocol);
    if (small != nullptr && small->fate() == ProbeFate::unknown) return SizeFinding::unknown;
    if (small != nullptr && small_ones_hide(*small, full)) return SizeFinding::hidden;
    switch (finding_of(facts, full, max_loss_ppm)) {
        case Finding::fine:
        case Finding::rewritten:
            return SizeFinding::passes;
        case Finding::few_lost:
            return SizeFinding::few_lost;
        case Finding::many_lost:
            return SizeFinding::many_lost;
        case Finding::filtered:
        case Finding::lost:
        case Finding::unknown:
            break;
    }
    if (sizes.named_mtu != 0 && sizes.passing != nullptr && sizes.passing->size >= sizes.named_mtu)
        return SizeFinding::passes_as_named;
    // A small SYN has no payload: that one with it passes has to be seen.
    const bool smaller_pass = full.protocol != Protocol::tcp || sizes.passing != nullptr;
    const bool enough = full.sent >= kLeastSent && sizes.tried > 1 && smaller_pass;
    return enough ? SizeFinding::swallowed : SizeFinding::untold;
}

}  // namespace podroute
