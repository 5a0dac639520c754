// Which way a packet goes through the hosts at its ends: what drops all that goes that way stops others too.
#pragma once

#include <compare>
#include <set>
#include <vector>

#include "engine/probe_facts.h"

namespace podroute {

// Packets of one protocol and family that leave a host or enter it, from or to its pods or itself.
struct Crossing {
    HostId host;
    bool out = false;
    Vantage end = Vantage::pod;
    Protocol protocol = Protocol::icmp;
    Family family = Family::v4;

    auto operator<=>(const Crossing&) const = default;
};

// There and back, in order: four of a flow between hosts, none of one within a host.
std::vector<Crossing> crossings(const ProbedFlow& flow);
// That of the leg that failed at the host; none if it is no end of the flow.
std::vector<Crossing> crossings_at(const ProbedFlow& flow, const HostId& host);
// Those by which some packet of a pair or of its evidence is known to have come through.
std::set<Crossing> passed(const ProbeFacts& facts);

}  // namespace podroute
