// By counts at the two ends.
#include "engine/crossings.h"

#include <algorithm>

namespace podroute {
namespace {

Crossing crossing(const ProbedFlow& flow, const Endpoint& end, bool out) {
    return {end.host, out, end.vantage, flow.protocol, end.address.family()};
}

}  // namespace

std::vector<Crossing> crossings(const ProbedFlow& flow) {
    if (flow.same_host()) return {};
    return {crossing(flow, flow.source, true), crossing(flow, flow.destination, false),
            crossing(flow, flow.destination, true), crossing(flow, flow.source, false)};
}

std::vector<Crossing> crossings_at(const ProbedFlow& flow, const HostId& host) {
    const auto all = crossings(flow);
    if (all.empty()) return {};
    const std::size_t first = flow.failed_leg() == ProbeLeg::request ? 0 : 2;
    std::vector<Crossing> found;
    std::copy_if(all.begin() + static_cast<std::ptrdiff_t>(first),
                 all.begin() + static_cast<std::ptrdiff_t>(first) + 2, std::back_inserter(found),
                 [&](const Crossing& at) { return at.host == host; });
    return found;
}

// What is for a node itself counts as arrived before the node has taken it.
std::set<Crossing> passed(const ProbeFacts& facts) {
    std::set<Crossing> through;
    for (const auto* flows : {&facts.verdicts, &facts.evidence}) {
        for (const ProbedFlow& flow : *flows) {
            const auto all = crossings(flow);
            if (all.empty()) continue;
            if (flow.arrived > 0) through.insert(all[0]);
            if (flow.arrived > 0 && flow.destination.vantage == Vantage::pod) through.insert(all[1]);
            if (flow.heard() > 0) through.insert(all.begin() + 1, all.begin() + 3);
            if (flow.heard() > 0 && flow.source.vantage == Vantage::pod) through.insert(all[3]);
        }
    }
    return through;
}

}  // namespace podroute
