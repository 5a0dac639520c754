// Raw packets on their way to and from an agent. Never part of a snapshot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace podroute {

// A classic BPF instruction (struct sock_filter of linux/filter.h).
struct BpfInstruction {
    std::uint16_t code = 0;
    std::uint8_t jt = 0, jf = 0;
    std::uint32_t k = 0;

    bool operator==(const BpfInstruction&) const = default;
};

struct Capture {
    std::uint32_t ifindex = 0;
    std::vector<BpfInstruction>
        filter;                   // compiled by the controller, so that only our own packets leave a host
    std::uint32_t snaplen = 256;  // bytes kept of a frame
    std::uint32_t max = 1024;     // frames kept

    bool operator==(const Capture&) const = default;
};

// A link-layer frame, Ethernet header included.
struct Frame {
    std::uint32_t ifindex = 0;
    std::uint64_t time_us = 0;  // monotonic clock of the host; 0 on the way out
    std::vector<std::uint8_t> bytes;

    bool operator==(const Frame&) const = default;
};

}  // namespace podroute
