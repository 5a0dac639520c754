// Counts of flows that end in the same host.
#include "engine/inside_losses.h"

#include <map>

namespace podroute {

void join_by_chance(std::vector<InsideLoss>& losses) {
    std::map<HostId, std::vector<Passage>> hosts;
    for (const InsideLoss& loss : losses) hosts[loss.place.host].push_back(loss.passage);
    std::map<HostId, bool> by_chance;
    for (const auto& [host, passages] : hosts) by_chance[host] = taken_by_chance(passages);
    for (InsideLoss& loss : losses)
        if (by_chance[loss.place.host]) loss.kind = InsideLoss::Kind::part;
}

}  // namespace podroute
