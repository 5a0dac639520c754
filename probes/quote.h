// The packet that an ICMP error quotes. By hand: a quote may end 8 bytes behind the IP header, where libtins
// refuses a TCP header.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "probes/packet.h"

namespace podroute {

struct Quote {
    Protocol protocol = Protocol::icmp;
    Address source, destination;
    std::uint16_t number = 0;

    bool operator==(const Quote&) const = default;
};

// Nothing if the bytes do not begin with the headers of a probe of this key.
std::optional<Quote> read_quote(std::span<const std::uint8_t> bytes, Family family, const ProbeKey& key);

}  // namespace podroute
