// What packets show and what tables say may stand in the way of one pair, and then both have to be mended.
#include <algorithm>

#include "engine/fold.h"
#include "engine/packet_causes.h"

namespace podroute {

std::vector<std::string> PacketCauses::add_stopped_too(const ProbedFlow& flow, const std::string& check_id,
                                                       const std::vector<std::string>& with) {
    const auto way = crossings(flow);
    std::vector<std::string> ids;
    for (Entry& entry : entries_) {
        const auto stops = [&](const Crossing& crossing) {
            return entry.stops.contains(crossing) && !passed_.contains(crossing);
        };
        // What knows no way to one address may know it to others.
        if (entry.no_way || std::none_of(way.begin(), way.end(), stops)) continue;
        ++entry.failed;
        entry.affects.push_back(check_id);
        entry.together_with.insert(with.begin(), with.end());
        ids.push_back(cause_id(entry.cause));
    }
    return ids;
}

std::vector<std::string> PacketCauses::add_companions(const std::string& check_id,
                                                      const std::vector<std::string>& with) {
    const auto at = by_check_.find(check_id);
    std::vector<std::string> ids;
    if (at == by_check_.end()) return ids;
    for (const std::size_t i : at->second) {
        entries_[i].together_with.insert(with.begin(), with.end());
        ids.push_back(cause_id(entries_[i].cause));
    }
    return ids;
}

}  // namespace podroute
