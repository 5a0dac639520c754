// What beside the tables lets a packet through a host: forwarding, and the reverse path filter.
#pragma once

#include <optional>
#include <string>

#include "engine/walk_host.h"
#include "model/endpoint.h"

namespace podroute {

inline constexpr std::uint32_t kOutput = 0xffffffffU;  // in place of a link: the host's own packet

// Why it goes no further.
struct Halt {
    bool known = true;   // false: it may go on, but what decides was not read
    std::string reason;  // "forwarding is off on eth0", "rp_filter was not read"
    std::string code{};  // the cause code; empty where nothing is known
};

// Of a packet of that family that came in by `iif` and is to be forwarded.
std::optional<Halt> forwarding_halt(const WalkHost& host, std::uint32_t iif, Family family);

// Of a packet that came in by `iif` and leaves by the link named `oif` ("lo": it stays). IPv4 only:
// __fib_validate_source() of net/ipv4/fib_frontend.c looks the way back up as for a packet that came in by
// `oif`. A source that is no unicast address here ("martian") is dropped whatever rp_filter says.
std::optional<Halt> source_halt(const WalkHost& host, std::uint32_t iif, const std::string& oif,
                                const Endpoint& source, const Address& destination);

}  // namespace podroute
