// What became of the packets of one flow: counts at both ends, where they were seen, who objected.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/endpoint.h"
#include "model/observed.h"

namespace podroute {

enum class Protocol : std::uint8_t { icmp, tcp, udp };  // icmp: ICMPv6 where the addresses are IPv6
std::string_view to_string(Protocol protocol);

// What a sighting on a synthetic pod's own end of its link calls that interface; no link's name has a blank.
inline constexpr std::string_view kPodLink = "pod link";

enum class ProbeLeg : std::uint8_t { request, reply };

// Why a probe was sent.
enum class Purpose : std::uint8_t {
    verdict,    // a pair that may raise an alarm (faults.md)
    evidence,   // node to node, pod to node, node to pod: of failed pairs only
    full_size,  // don't-fragment, as long as the pod link's MTU or less
    next_hop,   // aimed at one leg of a route with several next hops
    hop_limit   // with a small TTL, for the path
};

// Seen by a capture on an interface of a host.
struct Sighting {
    HostId host;
    std::string interface;
    ProbeLeg leg = ProbeLeg::request;
    bool leaving = false;     // out of the interface, as its host sees it; else into it
    std::uint32_t count = 0;  // probes of the flow, each counted once

    bool operator==(const Sighting&) const = default;
};

// An ICMP error that quotes one of our packets, or a reset that answers one and is not the target's own.
struct Objection {
    Address from;
    std::uint8_t type = 0, code = 0;  // of ICMP or ICMPv6; both 0 for a reset
    bool reset = false;
    std::uint32_t mtu = 0;  // bytes, as a 3/4 or Packet Too Big names it; else 0
    std::uint8_t ttl = 0;   // of the objection as it came in
    std::uint32_t count = 0;

    bool operator==(const Objection&) const = default;
};

// Probes that the source's own kernel would not send, for one reason.
struct NotSent {
    int error = 0;  // errno: EPERM by a filter of the sender, ENETUNREACH no route ..
    std::uint32_t count = 0;

    bool operator==(const NotSent&) const = default;
};

struct ProbeResult {
    Endpoint source, destination;
    Protocol protocol = Protocol::icmp;
    Purpose purpose = Purpose::verdict;
    std::uint32_t size = 0;                     // bytes of the IP packet
    std::uint8_t hop_limit = 0;                 // of a hop_limit probe, else 0
    std::uint32_t sent = 0;                     // taken by the source's kernel; what left is in `sightings`
    std::uint32_t arrived = 0;                  // seen by the destination host
    std::uint32_t answered = 0;                 // its answer was seen by the source
    std::optional<Address> source_seen;         // at the destination, where it is not the source's address
    std::vector<std::uint32_t> round_trips_us;  // of each answered one
    std::vector<Objection> objections;
    std::vector<Sighting> sightings;
    std::string unknown;                // why nothing may be concluded (a host died in the round), else empty
    std::optional<Address> next_hop{};  // of a next_hop probe: the gateway the source's node sends it to
    std::vector<NotSent> not_sent{};    // beside `sent`

    bool operator==(const ProbeResult&) const = default;
};

// How many arrived. Nobody need be at the address that a next hop is tried with: there the most that any link
// of the destination host saw come in.
std::uint32_t arrivals(const ProbeResult& result);

}  // namespace podroute
