// Counts of flows that end in the same host.
#include "engine/inside_losses.h"

#include <map>

namespace podroute {

Passage passage_of(const ProbedFlow& flow) {
    if (flow.failed_leg() == ProbeLeg::request) return {flow.tried(), flow.arrived};
    return {flow.arrived, flow.heard()};
}

void join_by_chance(std::vector<InsideLoss>& losses) {
    std::map<HostId, std::vector<Passage>> hosts;
    for (const InsideLoss& loss : losses) hosts[loss.place.host].push_back(passage_of(*loss.flow));
    std::map<HostId, bool> by_chance;
    for (const auto& [host, passages] : hosts) by_chance[host] = taken_by_chance(passages);
    for (InsideLoss& loss : losses)
        if (by_chance[loss.place.host]) loss.kind = InsideLoss::Kind::part;
}

Passage partly_lost_in(const std::vector<InsideLoss>& losses, const HostId& host) {
    Passage all;
    for (const InsideLoss& loss : losses) {
        if (loss.kind != InsideLoss::Kind::part || loss.place.host != host) continue;
        const Passage one = passage_of(*loss.flow);
        all.came += one.came;
        all.left += one.left;
    }
    return all;
}

}  // namespace podroute
