// Answers written byte by byte from the RFCs, so that tests do not check libtins against itself.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "model/ip.h"

namespace podroute::testing {

using Bytes = std::vector<std::uint8_t>;

// rc::check only returns whether a property holds; a test that ignores it asserts nothing.
template <class Property>
void holds(const Property& property) {
    EXPECT_TRUE(rc::check(property));
}

inline Bytes mac_bytes(const std::string& mac) {
    Bytes out;
    for (std::size_t at = 0; at + 1 < mac.size(); at += 3)
        out.push_back(static_cast<std::uint8_t>(std::stoul(mac.substr(at, 2), nullptr, 16)));
    return out;
}

inline void append(Bytes& out, const Bytes& more) {
    out.insert(out.end(), more.begin(), more.end());
}
inline void append(Bytes& out, const Address& address) {
    out.insert(out.end(), address.wire(), address.wire() + address.wire_size());
}

inline Bytes arp_reply(const std::string& mac, const Address& sender, const std::string& to) {
    Bytes out = mac_bytes(to);
    append(out, mac_bytes(mac));
    append(out, {8, 6, 0, 1, 8, 0, 6, 4, 0, 2});
    append(out, mac_bytes(mac));
    append(out, sender);
    append(out, mac_bytes(to));
    append(out, {10, 0, 0, 9});
    return out;
}

// RFC 4861 section 4.4, with the target link-layer address option. The checksum is left out: no reader of
// ours looks at it, the kernel's sender wrote it.
inline Bytes advertisement(const std::string& mac, const Address& target, const std::string& to) {
    Bytes out = mac_bytes(to);
    append(out, mac_bytes(mac));
    append(out, {0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255});
    append(out, target);
    append(out, *Address::parse("fd00::9"));
    append(out, {136, 0, 0, 0, 0x60, 0, 0, 0});
    append(out, target);
    append(out, {2, 1});
    append(out, mac_bytes(mac));
    return out;
}

// The Internet checksum over pseudo header and ICMPv6 message: 0xffff if the one inside is right (RFC 1071).
inline unsigned icmpv6_sum(const Bytes& frame) {
    std::uint32_t sum = static_cast<std::uint32_t>(frame.size() - 54) + 58;
    for (std::size_t at = 22; at + 1 < frame.size(); at += 2)
        sum += static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// A unicast MAC.
inline std::string any_mac() {
    auto bytes = *rc::gen::arbitrary<std::array<std::uint8_t, 6>>();
    bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0xfe) | 2);
    std::array<char, 18> text{};
    std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                  bytes[3], bytes[4], bytes[5]);
    return text.data();
}

inline Address any_address(bool v4) {
    if (v4) return Address::v4(*rc::gen::arbitrary<std::uint32_t>());
    auto bytes = *rc::gen::arbitrary<std::array<std::uint8_t, 16>>();
    bytes[0] = 0xfd;
    return Address::v6(bytes);
}

}  // namespace podroute::testing
