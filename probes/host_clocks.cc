// Bounds of differences between clocks, joined from host to host.
#include "probes/host_clocks.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <unordered_map>

namespace podroute {
namespace {

constexpr std::size_t kEthernet = 14;    // bytes of its header
constexpr std::size_t kMostPlaces = 16;  // that one packet is looked at as it leaves
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();

// Where the hop limit stands in an IP packet, and the checksum that changes with it.
constexpr std::size_t kTtl4 = 8, kChecksum4 = 10, kHopLimit6 = 7;

// What a packet is by, on every host that it passes; empty: no IP.
struct Passing {
    std::string packet;
    std::uint8_t hop_limit = 0;
};

Passing passing(const Frame& frame) {
    if (frame.bytes.size() < kEthernet + 20) return {};
    std::string packet(frame.bytes.begin() + kEthernet, frame.bytes.end());
    const auto version = static_cast<std::uint8_t>(packet[0]) >> 4;
    if (version != 4 && version != 6) return {};
    const std::size_t at = version == 4 ? kTtl4 : kHopLimit6;
    const auto hop_limit = static_cast<std::uint8_t>(packet[at]);
    packet[at] = 0;
    if (version == 4) packet[kChecksum4] = packet[kChecksum4 + 1] = 0;
    return {std::move(packet), hop_limit};
}

struct Left {
    const HostId* host;
    std::uint64_t time_us;
    std::uint8_t hop_limit;
};

// The least that `to` - `from` can be, both being what is added to a clock: a packet enters after it left.
using Least = std::map<std::pair<HostId, HostId>, std::int64_t>;

Least least_differences(const Caught& caught) {
    std::unordered_map<std::string, std::vector<Left>> left;
    const auto each = [&](auto&& take) {
        for (const auto& [host, mine] : caught) {
            if (!mine.known()) continue;
            for (const Frame& frame : mine->frames)
                if (frame.pod == 0) take(host, frame);
        }
    };
    each([&](const HostId& host, const Frame& frame) {
        if (!frame.leaving) return;
        Passing what = passing(frame);
        if (what.packet.empty()) return;
        auto& places = left[std::move(what.packet)];
        if (places.size() < kMostPlaces) places.push_back({&host, frame.time_us, what.hop_limit});
    });
    Least least;
    each([&](const HostId& host, const Frame& frame) {
        if (frame.leaving) return;
        const Passing what = passing(frame);
        const auto at = left.find(what.packet);
        if (at == left.end()) return;
        for (const Left& before : at->second) {
            // Behind a router of this host's own it has a smaller hop limit than when it came.
            if (*before.host == host || before.hop_limit < what.hop_limit) continue;
            const auto difference =
                static_cast<std::int64_t>(before.time_us) - static_cast<std::int64_t>(frame.time_us);
            const auto [found, added] = least.try_emplace({*before.host, host}, difference);
            if (!added) found->second = std::max(found->second, difference);
        }
    });
    return least;
}

// What `to` - `from` is: the middle of what packets of both directions leave; kNone: none passed.
std::int64_t difference(const Least& least, const HostId& from, const HostId& to) {
    const auto there = least.find({from, to}), back = least.find({to, from});
    if (there == least.end() && back == least.end()) return kNone;
    if (back == least.end()) return there->second;
    if (there == least.end()) return -back->second;
    return there->second + (-back->second - there->second) / 2;
}

std::int64_t by_firing(const HostCatch& caught) {
    std::uint64_t zero = caught.fired_us;
    if (zero == 0 && !caught.frames.empty()) {
        zero = std::numeric_limits<std::uint64_t>::max();
        for (const Frame& frame : caught.frames) zero = std::min(zero, frame.time_us);
    }
    return -static_cast<std::int64_t>(zero);
}

}  // namespace

std::map<HostId, std::int64_t> clock_offsets(const Caught& caught) {
    const Least least = least_differences(caught);
    std::map<HostId, std::int64_t> offsets;
    std::vector<HostId> open;
    // Hosts that fired first: what others are held against.
    for (const bool fired : {true, false}) {
        for (const auto& [host, mine] : caught) {
            if (!mine.known() || (mine->fired_us != 0) != fired || offsets.contains(host)) continue;
            offsets[host] = by_firing(*mine);
            open.assign(1, host);
            while (!open.empty()) {
                const HostId from = open.back();
                open.pop_back();
                for (const auto& [to, theirs] : caught) {
                    const auto known = offsets.find(from);
                    const auto between =
                        theirs.known() && !offsets.contains(to) ? difference(least, from, to) : kNone;
                    if (between == kNone) continue;
                    offsets[to] = known->second + between;
                    open.push_back(to);
                }
            }
        }
    }
    return offsets;
}

}  // namespace podroute
