// Puts flows of probes together into one round: numbers, frames, captures, listeners. Pure.
#pragma once

#include <array>
#include <map>
#include <set>
#include <unordered_map>

#include "model/prober.h"
#include "probes/packet.h"
#include "probes/pairs.h"

namespace podroute {

struct FlowRequest {
    Protocol protocol = Protocol::icmp;
    Purpose purpose = Purpose::verdict;
    std::uint32_t size = 0;      // bytes of the IP packet; 0: a small one
    std::uint8_t hop_limit = 0;  // 0: as far as need be
    std::uint16_t count = 1;
    std::uint32_t start_us = 0;    // of the first, counted from Fire
    std::uint32_t spacing_us = 0;  // between one and the next
    std::optional<Address> next_hop{};
};

// Bounds of a round.
inline constexpr std::size_t kMaxFramesOfHost = 20'000;
inline constexpr std::size_t kMaxBytesOfHost =
    8U << 20U;                                    // well within a message, which one slow link must carry
inline constexpr std::uint16_t kMaxCount = 100;   // probes of a flow
inline constexpr std::uint32_t kSmallProbe = 84;  // bytes, as ping's

class RoundBuilder {
  public:
    // The word follows from the run's id, the tag also from the number of observations and of rounds so far.
    // The snapshot outlives the builder.
    RoundBuilder(const Snapshot& snapshot, RoundStage stage);

    // A pair whose ends cannot both be used becomes a flow that says why, and so does what is over the
    // bounds: nothing is left out in silence.
    void add(const SitePair& pair, const FlowRequest& request);
    // Listens on the uplinks of this host, and with `bridges` on its pod bridges, for everything of the
    // round.
    void watch(const HostId& host, bool bridges);
    // ... of every host.
    void watch_paths();

    RoundPlan finish(std::uint32_t wait_ms);
    // Waits what sending leaves of the time, at least half of it.
    RoundPlan finish_within(std::uint32_t timeout_ms);

  private:
    struct Watch {
        bool bridges = false;
    };
    struct Count {
        std::array<std::uint16_t, 3> used{};  // numbers given out, by protocol
    };

    std::string cannot(const SitePair& pair, const FlowRequest& request) const;
    void craft(ProbeFlow& flow, const FlowRequest& request);
    void note_ends(const SitePair& pair, const ProbeFlow& flow);
    void listen(const HostId& host, CapturePoint point, const std::vector<Address>& answers_to);
    void listen_on_pods(const HostId& host);
    void listen_on_links(const HostId& host);
    const HostFacts* facts_of(const HostId& host) const;

    const Snapshot& snapshot_;
    RoundPlan plan_;
    std::unordered_map<Address, Count> numbers_;
    std::map<HostId, std::size_t> bytes_;  // to be sent by each
    std::map<HostId, std::set<std::uint32_t>> pods_in_use_;
    std::map<HostId, std::vector<Address>> nodes_in_use_;
    std::map<HostId, Watch> watched_;
    std::set<std::uint16_t> tcp_ports_, udp_ports_;
    std::map<std::vector<Address>, std::vector<BpfInstruction>> filters_;
};

}  // namespace podroute
