// Bounds of differences between clocks, and offsets that keep them.
#include "probes/host_clocks.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>

#include "probes/clock_bounds.h"

namespace podroute {
namespace {

constexpr std::size_t kEthernet = 14;    // bytes of its header
constexpr std::size_t kMostPlaces = 16;  // that one packet is looked at as it leaves
constexpr std::int64_t kOnTheWay = 1;    // us that a packet takes at least: equal times tell no order

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
    std::size_t host;
    std::uint64_t time_us;
    std::uint8_t hop_limit;
};

struct Host {
    const HostId* name;
    const HostCatch* caught;
};

// Hosts that fired first: what others are held against.
std::vector<Host> hosts_of(const Caught& caught) {
    std::vector<Host> hosts;
    for (const bool fired : {true, false})
        for (const auto& [name, mine] : caught)
            if (mine.known() && (mine->fired_us != 0) == fired) hosts.push_back({&name, &*mine});
    return hosts;
}

// Where one packet left, by its content. One that was sent twice (a SYN-ACK) counts by its first: what enters
// later than that may be either.
class Departures {
  public:
    explicit Departures(const std::vector<Host>& hosts) {
        for (std::size_t host = 0; host < hosts.size(); ++host)
            for (const Frame& frame : hosts[host].caught->frames)
                if (frame.leaving) add(host, frame);
    }
    const std::vector<Left>* of(const std::string& packet) const {
        const auto at = left_.find(packet);
        return at == left_.end() ? nullptr : &at->second;
    }

  private:
    void add(std::size_t host, const Frame& frame) {
        Passing what = passing(frame);
        if (what.packet.empty()) return;
        auto& places = left_[std::move(what.packet)];
        const auto same = std::find_if(places.begin(), places.end(), [&](const Left& l) {
            return l.host == host && l.hop_limit == what.hop_limit;
        });
        if (same != places.end())
            same->time_us = std::min(same->time_us, frame.time_us);
        else if (places.size() < kMostPlaces)
            places.push_back({host, frame.time_us, what.hop_limit});
    }

    std::unordered_map<std::string, std::vector<Left>> left_;
};

ClockBounds bounds_between(const std::vector<Host>& hosts) {
    const Departures departures(hosts);
    ClockBounds bounds(hosts.size());
    for (std::size_t host = 0; host < hosts.size(); ++host)
        for (const Frame& frame : hosts[host].caught->frames) {
            if (frame.leaving) continue;
            const Passing what = passing(frame);
            const auto* left = what.packet.empty() ? nullptr : departures.of(what.packet);
            if (left == nullptr) continue;
            for (const Left& before : *left)
                // Behind a router of this host's own it has a smaller hop limit than when it came.
                if (before.hop_limit >= what.hop_limit)
                    bounds.at_least(before.host, host,
                                    static_cast<std::int64_t>(before.time_us) -
                                        static_cast<std::int64_t>(frame.time_us) + kOnTheWay);
        }
    bounds.join();
    return bounds;
}

std::int64_t by_firing(const HostCatch& caught) {
    std::uint64_t zero = caught.fired_us;
    if (zero == 0 && !caught.frames.empty()) {
        zero = std::numeric_limits<std::uint64_t>::max();
        for (const Frame& frame : caught.frames) zero = std::min(zero, frame.time_us);
    }
    return -static_cast<std::int64_t>(zero);
}

// What those that have their offset leave to another host.
struct Between {
    std::optional<std::int64_t> least, most;

    bool both() const { return least && most; }
    // Smaller comes first.
    std::pair<int, std::int64_t> order() const {
        if (both()) return {0, *most - *least};
        return {least || most ? 1 : 2, 0};
    }
    std::int64_t offset(const HostCatch& caught) const {
        if (both()) return *least + (*most - *least) / 2;
        return least ? *least : most ? *most : by_firing(caught);
    }
};

}  // namespace

std::map<HostId, std::int64_t> clock_offsets(const Caught& caught) {
    const std::vector<Host> hosts = hosts_of(caught);
    const ClockBounds bounds = bounds_between(hosts);
    std::vector<Between> between(hosts.size());
    std::vector<std::size_t> open(hosts.size());
    for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
    std::map<HostId, std::int64_t> offsets;
    while (!open.empty()) {
        const auto next = std::min_element(open.begin(), open.end(), [&](std::size_t a, std::size_t b) {
            return between[a].order() < between[b].order();
        });
        const std::size_t placed = *next;
        open.erase(next);
        const std::int64_t offset = between[placed].offset(*hosts[placed].caught);
        offsets[*hosts[placed].name] = offset;
        for (const std::size_t host : open) {
            Between& b = between[host];
            if (const auto there = bounds.least(placed, host))
                b.least = std::max(b.least.value_or(offset + *there), offset + *there);
            if (const auto back = bounds.least(host, placed))
                b.most = std::min(b.most.value_or(offset - *back), offset - *back);
        }
    }
    return offsets;
}

}  // namespace podroute
