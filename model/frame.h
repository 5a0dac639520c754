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
    std::uint32_t pod = 0;        // the synthetic pod in whose namespace the link is; 0: the host's own
    bool outgoing = false;        // catch also what leaves by the link

    bool operator==(const Capture&) const = default;
};

// A link-layer frame, Ethernet header included. On the way out with ifindex 0: an IP packet, which the kernel
// of that namespace routes.
struct Frame {
    std::uint32_t ifindex = 0;
    std::uint64_t time_us =
        0;  // monotonic clock of the host; on the way out: when to send it, counted from Fire
    std::vector<std::uint8_t> bytes;
    std::uint32_t pod = 0;  // the synthetic pod in whose namespace it is; 0: the host's own
    bool leaving = false;   // of a caught one: it left by the link

    bool operator==(const Frame&) const = default;
};

}  // namespace podroute
