// From what a round recorded, or its plan must have been.
#include "engine/listening.h"

#include <algorithm>

namespace podroute {
namespace {

bool recorded(const RoundResult& round) {
    return std::any_of(round.hosts.begin(), round.hosts.end(), [](const auto& entry) {
        return entry.second.known() && entry.second->listened.has_value();
    });
}

bool asked_for(const Policy& policy, const RoundResult& round) {
    if (policy.trace == Trace::all) return true;
    return policy.trace == Trace::failed && round.stage == RoundStage::detail;
}

}  // namespace

bool Listening::on_any_of(const std::set<std::string>& links) const {
    return assumed || std::any_of(interfaces.begin(), interfaces.end(),
                                  [&](const std::string& link) { return links.contains(link); });
}

bool Listening::on_the_way() const {
    return assumed || std::any_of(interfaces.begin(), interfaces.end(),
                                  [](const std::string& link) { return link != kPodLink; });
}

Listening listening(const Policy& policy, const RoundResult& round, const HostId& host) {
    const auto at = round.hosts.find(host);
    if (at != round.hosts.end() && !at->second.known()) return {};
    if (!recorded(round)) return {asked_for(policy, round), {}};
    if (at == round.hosts.end() || !at->second->listened || at->second->listened->dropped != 0) return {};
    return {false, at->second->listened->interfaces};
}

}  // namespace podroute
