// Reads caught frames: is it one of our probes, the answer to one, or an objection to one? Pure, and safe
// against any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "probes/packet.h"

namespace podroute {

enum class SeenKind : std::uint8_t {
    request,
    reply,     // echo reply, SYN-ACK, UDP from the probe's destination port
    reset,     // a TCP reset that acknowledges the probe: from its target, or forged in its name
    objection  // an ICMP error that quotes the probe
};

struct SeenPacket {
    SeenKind kind = SeenKind::request;
    Protocol protocol = Protocol::icmp;  // of the probe
    Address source, destination;         // of the IP header as it was seen, after any rewriting
    std::uint8_t hop_limit = 0;
    // Which probe it is about: its number and where it was sent to.
    std::uint16_t number = 0;
    Address target;
    std::uint16_t source_port = 0;    // of TCP: the probe's, as it was seen, after any rewriting
    std::uint8_t type = 0, code = 0;  // of an objection
    std::uint32_t mtu = 0;            // bytes, that a 3/4 or a Packet Too Big names; else 0

    bool operator==(const SeenPacket&) const = default;
};

// Reads an Ethernet frame, possibly cut short behind what tells it. Nothing for any frame that is not about a
// probe of this key, whatever its bytes. A source rewritten on the way does not matter: a probe is told by
// its payload or its sequence number. Redirects are no objections, since the packet goes on.
std::optional<SeenPacket> read_probe(std::span<const std::uint8_t> frame, const ProbeKey& key);
// The same of an IP packet.
std::optional<SeenPacket> read_packet(std::span<const std::uint8_t> packet, const ProbeKey& key);

}  // namespace podroute
