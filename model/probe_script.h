// What the frames of a round of probes are, so that reading needs nothing but the plan and what was caught.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/endpoint.h"
#include "model/probe.h"
#include "model/wire.h"

namespace podroute {

// The probes of one flow: alike but for their number.
struct ProbeFlow {
    Endpoint source, destination;
    Protocol protocol = Protocol::icmp;
    Purpose purpose = Purpose::verdict;
    std::uint32_t size = 0;              // bytes of the IP packet
    std::uint8_t hop_limit = 0;          // of a hop_limit probe, else 0
    std::uint16_t port = 0;              // destination port, 0 of ICMP
    bool listened = false;               // something is known to listen there
    std::uint16_t first = 0, count = 0;  // their numbers; unique among those to one address in a round
    std::uint32_t source_pod = 0;        // number of the synthetic pod, 0: the node itself
    std::uint32_t destination_pod = 0;   // likewise
    std::optional<Address> next_hop{};   // of a next_hop probe
    std::string unknown{};               // why none can be sent (no pod at one of its ends), else empty

    bool operator==(const ProbeFlow&) const = default;
};

// A place where a host listens.
struct CapturePoint {
    std::uint32_t ifindex = 0;
    std::uint32_t pod = 0;
    std::string interface;  // as sightings call it
    std::string mac;        // of the interface; empty: not known
    // Answers and errors of the whole round are caught, not only those to what ends here.
    bool all = false;

    bool operator==(const CapturePoint&) const = default;
};

struct ProbeScript {
    std::uint64_t word = 0;  // random, of the run: in every payload
    std::uint16_t tag = 0;   // of the round: where there is no payload
    std::vector<ProbeFlow> flows;
    std::map<HostId, std::vector<CapturePoint>> points;
    std::map<HostId, std::vector<Error>> unavailable;  // hosts without a pod, and why
    bool paths = false;  // every host listens on its uplinks and bridges, not only where the flows end

    bool operator==(const ProbeScript&) const = default;
};

}  // namespace podroute
