// Blocks: a section header, an interface description for each place, an enhanced packet for each frame.
#include "probes/pcapng.h"

#include <algorithm>
#include <ostream>

#include "probes/filter.h"
#include "probes/host_clocks.h"

namespace podroute {
namespace {

constexpr std::uint32_t kSection = 0x0a0d0d0a, kInterface = 1, kPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint16_t kEthernet = 1;            // LINKTYPE_ETHERNET
constexpr std::uint16_t kIfName = 2, kFlags = 2;  // options
constexpr std::uint32_t kInbound = 1, kOutbound = 2;
constexpr std::size_t kEthernetHeader = 14, kIpv6Header = 40;  // bytes

// Little endian, whatever the machine is.
void put16(std::string& out, std::uint16_t value) {
    out.push_back(static_cast<char>(value & 0xff));
    out.push_back(static_cast<char>(value >> 8));
}
void put32(std::string& out, std::uint32_t value) {
    put16(out, static_cast<std::uint16_t>(value));
    put16(out, static_cast<std::uint16_t>(value >> 16));
}
void pad(std::string& out) {
    while (out.size() % 4 != 0) out.push_back('\0');
}
void put_option(std::string& out, std::uint16_t code, const std::string& value) {
    put16(out, code);
    put16(out, static_cast<std::uint16_t>(value.size()));
    out += value;
    pad(out);
}

void write_block(std::ostream& out, std::uint32_t type, const std::string& body) {
    std::string block;
    const auto length = static_cast<std::uint32_t>(body.size() + 12);
    put32(block, type);
    put32(block, length);
    block += body;
    put32(block, length);
    out.write(block.data(), static_cast<std::streamsize>(block.size()));
}

struct Placed {
    std::uint64_t time_us;
    std::uint32_t interface;
    const Frame* frame;
};

// Of the frame on the wire. One that was cut is an IP packet, whose header says its length: neighbours'
// messages are short, and nothing pads what is longer than captures keep.
std::size_t wire_length(const std::vector<std::uint8_t>& bytes) {
    const auto number = [&](std::size_t at) { return std::size_t{bytes[at]} << 8 | bytes[at + 1]; };
    if (bytes.size() < kSnaplen) return bytes.size();
    const auto version = bytes[kEthernetHeader] >> 4;
    const std::size_t told = version == 4   ? kEthernetHeader + number(kEthernetHeader + 2)
                             : version == 6 ? kEthernetHeader + kIpv6Header + number(kEthernetHeader + 4)
                                            : 0;
    return std::max(bytes.size(), told);
}

std::string packet(const Placed& placed) {
    std::string body;
    put32(body, placed.interface);
    put32(body, static_cast<std::uint32_t>(placed.time_us >> 32));
    put32(body, static_cast<std::uint32_t>(placed.time_us));
    const auto& bytes = placed.frame->bytes;
    const auto beginning = as_kept(bytes);
    put32(body, static_cast<std::uint32_t>(beginning.size()));
    put32(body, static_cast<std::uint32_t>(wire_length(bytes)));
    body.append(beginning.begin(), beginning.end());
    pad(body);
    std::string flags;
    put32(flags, placed.frame->leaving ? kOutbound : kInbound);
    put_option(body, kFlags, flags);
    put32(body, 0);  // end of options
    return body;
}

std::string place_of(const RoundPlan& plan, const HostId& host, const Frame& frame) {
    const auto points = plan.script.points.find(host);
    if (points != plan.script.points.end())
        for (const CapturePoint& p : points->second)
            if (p.ifindex == frame.ifindex && p.pod == frame.pod)
                return host + "/" + p.interface + (p.pod > 1 ? " " + std::to_string(p.pod) : "");
    return host + "/" + std::to_string(frame.ifindex);
}

}  // namespace

PcapNg::PcapNg(std::ostream& out) : out_(out) {
    std::string body;
    put32(body, kByteOrder);
    put16(body, 1);  // version 1.0
    put16(body, 0);
    put32(body, 0xffffffff);  // the section's length is not known
    put32(body, 0xffffffff);
    write_block(out_, kSection, body);
}

std::uint32_t PcapNg::interface_of(const std::string& name) {
    const auto [at, added] = interfaces_.emplace(name, static_cast<std::uint32_t>(interfaces_.size()));
    if (!added) return at->second;
    std::string body;
    put16(body, kEthernet);
    put16(body, 0);
    put32(body, kSnaplen);  // the same of all: libpcap reads no other file
    put_option(body, kIfName, name);
    put32(body, 0);
    write_block(out_, kInterface, body);
    return at->second;
}

void PcapNg::add(const RoundPlan& plan, const Caught& caught, std::uint64_t began_us) {
    const auto offsets = clock_offsets(caught);
    const auto since = [&](const HostId& host, const Frame& frame) {
        return static_cast<std::int64_t>(frame.time_us) + offsets.at(host);
    };
    std::int64_t first = 0;  // a host may have begun a little before the one that the others are held against
    for (const auto& [host, mine] : caught)
        if (mine.known())
            for (const Frame& frame : mine->frames) first = std::min(first, since(host, frame));
    std::vector<Placed> frames;
    for (const auto& [host, mine] : caught) {
        if (!mine.known()) continue;
        for (const Frame& frame : mine->frames)
            frames.push_back({began_us + static_cast<std::uint64_t>(since(host, frame) - first),
                              interface_of(place_of(plan, host, frame)), &frame});
    }
    std::stable_sort(frames.begin(), frames.end(),
                     [](const Placed& a, const Placed& b) { return a.time_us < b.time_us; });
    for (Placed& placed : frames) {
        // The controller's own clock may be set back during a run.
        last_us_ = placed.time_us = std::max(placed.time_us, last_us_);
        write_block(out_, kPacket, packet(placed));
    }
}

}  // namespace podroute
