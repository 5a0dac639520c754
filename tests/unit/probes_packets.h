// Packets that a network would make of our probes, byte by byte from the RFCs, so that tests do not check
// libtins against itself. All take and give IP packets, from their IP header on.
#pragma once

#include <algorithm>

#include "model/probe.h"
#include "tests/unit/probes_frames.h"

namespace podroute::testing {

inline bool is_v4(const Bytes& ip) {
    return ip[0] >> 4 == 4;
}
inline std::size_t header(const Bytes& ip) {
    return is_v4(ip) ? 20 : 40;
}
inline std::uint8_t next_header(const Bytes& ip) {
    return is_v4(ip) ? ip[9] : ip[6];
}
inline Address address_at(const Bytes& ip, bool destination) {
    const std::size_t size = is_v4(ip) ? 4 : 16;
    return *Address::from_bytes(&ip[(is_v4(ip) ? 12U : 8U) + (destination ? size : 0)], size);
}
inline Address source_of(const Bytes& ip) {
    return address_at(ip, false);
}
inline Address destination_of(const Bytes& ip) {
    return address_at(ip, true);
}
inline std::uint8_t hop_limit_of(const Bytes& ip) {
    return is_v4(ip) ? ip[8] : ip[7];
}
inline Bytes with_source(Bytes ip, const Address& source) {
    std::copy_n(source.wire(), source.wire_size(), ip.begin() + (is_v4(ip) ? 12 : 8));
    return ip;
}
inline Bytes with_hop_limit(Bytes ip, std::uint8_t hop_limit) {
    ip[is_v4(ip) ? 8 : 7] = hop_limit;
    return ip;
}
inline Bytes turned(Bytes ip) {
    const std::size_t size = is_v4(ip) ? 4 : 16, at = is_v4(ip) ? 12 : 8;
    for (std::size_t i = at; i < at + size; ++i) std::swap(ip[i], ip[i + size]);
    return with_hop_limit(std::move(ip), 64);
}

// As a frame; MACs do not matter.
inline Bytes on_wire(const Bytes& ip) {
    Bytes out{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    append(out, is_v4(ip) ? Bytes{8, 0} : Bytes{0x86, 0xdd});
    append(out, ip);
    return out;
}

// What the target sends: echo reply, SYN-ACK, or the datagram back. Checksums are left as they are: no reader
// of ours looks at them.
inline Bytes answer_to(const Bytes& request) {
    Bytes out = turned(request);
    const auto l4 = header(out);
    if (next_header(out) == 1) {
        out[l4] = 0;
    } else if (next_header(out) == 58) {
        out[l4] = 129;
    } else {
        std::swap(out[l4], out[l4 + 2]);
        std::swap(out[l4 + 1], out[l4 + 3]);
        if (next_header(out) == 6) {
            std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(l4) + 4, 4,
                        out.begin() + static_cast<std::ptrdiff_t>(l4) + 8);
            // One more than the sequence number; the number in it never ends in 0xffff.
            for (std::size_t i = l4 + 11; ++out[i] == 0; --i) {
            }
            out[l4 + 13] = 0x12;  // SYN, ACK
            out.resize(l4 + 20);
            const std::size_t length = is_v4(out) ? out.size() : 20;
            out[is_v4(out) ? 2 : 4] = static_cast<std::uint8_t>(length >> 8);
            out[is_v4(out) ? 3 : 5] = static_cast<std::uint8_t>(length);
        }
    }
    return out;
}
// It acknowledges the payload, too (RFC 9293 section 3.10.7.1).
inline Bytes reset_to(const Bytes& request) {
    Bytes out = answer_to(request);
    const auto l4 = header(out);
    out[l4 + 13] = 0x14;  // RST, ACK
    std::uint32_t carry = static_cast<std::uint32_t>(request.size() - l4 - 20);
    for (std::size_t i = l4 + 11; carry != 0; --i) {
        carry += out[i];
        out[i] = static_cast<std::uint8_t>(carry);
        carry >>= 8;
    }
    return out;
}

// An ICMP error (RFC 792, RFC 4443) about a packet, quoting its IP header and `quoted` bytes behind it.
inline Bytes error_about(const Bytes& packet, const Address& from, std::uint8_t type, std::uint8_t code,
                         std::uint32_t mtu, std::size_t quoted) {
    const Address to = source_of(packet);
    const std::size_t cut = std::min(packet.size(), header(packet) + quoted);
    const auto length = static_cast<std::uint16_t>(8 + cut);
    Bytes out;
    if (from.is_v4()) {
        const auto total = static_cast<std::uint16_t>(20 + length);
        append(out, {0x45, 0xc0, static_cast<std::uint8_t>(total >> 8), static_cast<std::uint8_t>(total), 0,
                     1, 0, 0, 64, 1, 0, 0});
    } else {
        append(out, {0x60, 0, 0, 0, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length),
                     58, 64});
    }
    append(out, from);
    append(out, to);
    append(out, {type, code, 0, 0, static_cast<std::uint8_t>(mtu >> 24), static_cast<std::uint8_t>(mtu >> 16),
                 static_cast<std::uint8_t>(mtu >> 8), static_cast<std::uint8_t>(mtu)});
    out.insert(out.end(), packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(cut));
    return out;
}

}  // namespace podroute::testing
