// The capture filter of a round of probes: exactly the packets of one run that reading.h knows. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "model/inventory.h"
#include "probes/packet.h"

namespace podroute {

struct FilterScope {
    std::set<std::uint16_t> tcp_ports;  // destination ports of the round's SYNs
    std::set<std::uint16_t> udp_ports;  // ... and of its datagrams
    bool echo = true;
    bool v4 = true, v6 = true;
    // With addresses, answers and ICMP errors only if they are sent to one of them: where probes end, what is
    // sent back says nothing that the source will not say.
    std::vector<Address> answers_to;
};

// A pcap-filter(7) expression for Ethernet frames: requests whoever they seem to come from, their answers,
// and the ICMP errors that quote them, from any router.
std::string probes_expression(const ProbeKey& key, const FilterScope& scope);

}  // namespace podroute
