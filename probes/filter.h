// Capture filters, compiled here so that an agent only ever hands out what was asked for. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/frame.h"
#include "model/ip.h"

namespace podroute {

// Bytes that captures keep of a frame: what reading.h needs of the longest quote; an advertisement is 86.
inline constexpr std::uint32_t kSnaplen = 128;

// What a capture keeps of these, whatever a host says that it caught. Of packets in packets libtins makes a
// recursion, so that nothing longer is given to it.
inline std::span<const std::uint8_t> as_kept(std::span<const std::uint8_t> bytes) {
    return bytes.first(bytes.size() < kSnaplen ? bytes.size() : kSnaplen);
}

// Compiles a pcap-filter(7) expression for Ethernet frames. Errors: "bad-filter", with libpcap's reason.
Result<std::vector<BpfInstruction>> compile_filter(const std::string& expression, std::uint32_t snaplen);

// The expression for ARP replies and neighbour advertisements sent to `mac` about one of `addresses`.
std::string answers_expression(const std::string& mac, std::span<const Address> addresses);

}  // namespace podroute
