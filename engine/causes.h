// The causes of the route class: what is wrong in words, the remedy as an overlay, and the commands.
#pragma once

#include <string>
#include <vector>

#include "engine/classify.h"
#include "engine/fib.h"
#include "engine/legs.h"
#include "engine/neighbours.h"

namespace podroute {

enum class Fate : std::uint8_t {
    right,
    covered,
    unknown,
    diverted,
    missing,
    shadowed,
    blackhole,
    wrong_gateway
};

// What happens to the packets of one stretch of a peer CIDR.
struct SampleFate {
    Stretch stretch;
    bool usable = false;     // a pod may carry an address of the stretch
    bool forwarded = false;  // asked as for a packet with a source: of a pod, or of a host without pods
    FibMatch match;
    Fate fate = Fate::unknown;
    LegResult leg;
    const Route* better = nullptr;           // the right route that lost, if there is one
    std::vector<const Route*> winners_over;  // what has to go for `better` to win
    bool covered_below = false;              // behind the winner is a route that is wrong as well
};

// All that the causes are made from.
struct RouteCase {
    const Snapshot& snapshot;
    const ExpectedRoute& expected;
    const HostFacts& facts;
    const OwnerAddresses& owner;
    std::uint32_t uplink = 0;  // the link by which the right route would leave, 0 if unknown
    std::vector<SampleFate> samples;
    std::vector<std::string> evidence;
    std::vector<Change> mended;  // remedies of the causes found before: the case as it is behind them
};

// The right route for `destination`, as an added one would be dumped.
Route right_route(const RouteCase& route_case, const Prefix& destination);

Cause missing_cause(const RouteCase& route_case);
Cause partial_cause(const RouteCase& route_case);
Cause diverted_cause(const RouteCase& route_case);
Cause shadowed_cause(const RouteCase& route_case);
// Of the fates blackhole and wrong_gateway: the winners are replaced where they stand.
Cause replaced_cause(const RouteCase& route_case, Fate fate);
Cause neighbour_wrong_cause(const RouteCase& route_case, const NextHop& hop, const Neighbour& entry,
                            const NeighbourState& state);
Cause unresolved_cause(const RouteCase& route_case, const NextHop& hop, const NeighbourState& state);

// What a lookup found, as one reads it on the terminal.
std::string found_text(const SampleFate& sample, const RouteCase& route_case);

}  // namespace podroute
