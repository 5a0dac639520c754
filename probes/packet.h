// Crafts probes, as raw IP packets, by libtins. Pure: fields in, bytes out.
//
// Every probe of a run can be told from all other traffic, and from the probes of other runs, by what it
// carries:
//
//   payload of echo and UDP   the run's word (8 bytes), the round's tag (2), the probe's number (2)
//   TCP                       sequence number = tag, number; so an answer acknowledges them plus one; and the
//                             source port
//   echo                      identifier = tag, sequence = number
//   UDP, TCP                  source port = source_port(key, number)
//   IP header                 IPv4 identification, IPv6 flow label = tag
//
// An ICMP error need quote no more than the IP header and 8 bytes behind it (RFC 792), which is why tag and
// number stand there once more.
#pragma once

#include <cstdint>
#include <vector>

#include "model/ip.h"
#include "model/probe.h"

namespace podroute {

struct ProbeKey {
    std::uint64_t word = 0;
    std::uint16_t tag = 0;  // not 0

    bool operator==(const ProbeKey&) const = default;
};

inline constexpr std::uint16_t kFirstSourcePort = 10'000;  // below the ports that kernels hand out
inline constexpr std::uint16_t kSourcePorts = 20'000;      // that many from there
inline constexpr std::uint16_t kMaxNumber = 19'999;        // numbers are 1 .. this
inline constexpr std::uint32_t kMaxProbeSize = 9216;       // bytes

struct ProbePacket {
    Protocol protocol = Protocol::icmp;
    Address source, destination;
    std::uint16_t port = 0;  // destination port of TCP and UDP
    std::uint16_t number = 0;
    std::uint32_t size = 0;       // bytes of the IP packet; 0: the smallest, which of TCP has no payload
    std::uint8_t hop_limit = 64;  // TTL
    bool label = true;            // IPv6: the tag is the flow label; without it nothing is told from quotes
};

// The port that a number stands for, other ones in each round: a SYN whose answer was lost leaves its target
// half-open for a minute, and another SYN of the same ports would get no SYN-ACK (RFC 9293 section 3.10.7.4).
std::uint16_t source_port(const ProbeKey& key, std::uint16_t number);
// The number that a port stands for; not more than kMaxNumber, and 0 if it stands for none.
std::uint16_t number_of_port(const ProbeKey& key, std::uint16_t port);

// The smallest packet of a protocol, in bytes, headers included. A SYN with a payload is 12 bytes longer at
// least.
std::uint32_t smallest_size(Protocol protocol, Family family);

// An echo request, a TCP SYN or a UDP datagram, from its IP header on. Never to be fragmented on the way: DF
// is set (IPv6 routers never fragment). Errors: "bad-probe": two families, a number or size out of bounds.
Result<std::vector<std::uint8_t>> craft_probe(const ProbePacket& packet, const ProbeKey& key);

}  // namespace podroute
