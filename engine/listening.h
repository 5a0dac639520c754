// Where captures stood in a round: what they did not see did not pass there.
#pragma once

#include <set>
#include <span>
#include <string>

#include "model/snapshot.h"

namespace podroute {

// The interfaces of a host (as sightings call them) on which everything of the round was caught, without a
// loss; empty if the host was lost in the round, or overflowed. Snapshots that do not say who listened are
// taken to have listened on every link in the rounds in which Policy::trace asked for it: `assumed` then.
// Lives no longer than its round.
struct Listening {
    bool assumed = false;
    std::span<const std::string> interfaces;

    bool on_any_of(const std::set<std::string>& links) const;
    bool on_the_way() const;  // on a link other than those of pods
};
Listening listening(const Policy& policy, const RoundResult& round, const HostId& host);

}  // namespace podroute
