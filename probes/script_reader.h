// What was caught, told by the script of its round. Pure.
#pragma once

#include <array>
#include <unordered_map>

#include "model/prober.h"
#include "probes/reading.h"

namespace podroute {

// Finds the flow of a packet that was seen: by the address its probe was sent to and its number.
class ProbeIndex {
  public:
    explicit ProbeIndex(const ProbeScript& script);
    struct Found {
        std::size_t flow = 0;
        std::uint16_t nth = 0;  // of the flow, from 0
    };
    std::optional<Found> find(const SeenPacket& seen) const;

  private:
    struct Range {
        std::uint16_t first = 0, count = 0;
        std::size_t flow = 0;
    };
    std::unordered_map<Address, std::array<std::vector<Range>, 3>> ranges_;  // by protocol, in order
};

// A result for each flow, in the script's order. A flow one of whose hosts was lost in the round is unknown,
// never lost. Only what the script is about is taken from what a host sends.
RoundResult read_script(const RoundPlan& plan, const Caught& caught);

// Whether a host's own probes of one round are all settled: answered, or objected to. Each frame is read
// once, however often it is asked.
class Settled {
  public:
    explicit Settled(const RoundPlan& plan);
    bool complete(const HostId& host, std::span<const Frame> frames);

  private:
    struct Open {
        std::size_t read = 0, left = 0;
        std::unordered_map<std::uint64_t, bool> done;  // flow and number
    };
    bool waits_for(const ProbeFlow& flow) const;

    const ProbeScript script_;
    ProbeIndex index_;
    std::unordered_map<std::string, Open> hosts_;
};

}  // namespace podroute
