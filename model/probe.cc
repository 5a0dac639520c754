// Of both ends, what counts.
#include "model/probe.h"

#include <algorithm>

namespace podroute {

std::uint32_t arrivals(const ProbeResult& result) {
    std::uint32_t most = result.arrived;
    if (result.purpose != Purpose::next_hop) return most;
    for (const Sighting& sighting : result.sightings)
        if (sighting.host == result.destination.host && sighting.leg == ProbeLeg::request &&
            !sighting.leaving)
            most = std::max(most, sighting.count);
    return most;
}

}  // namespace podroute
