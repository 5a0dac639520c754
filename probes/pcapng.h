// What was caught, as a capture file (pcapng, draft-ietf-opsawg-pcapng) for tcpdump and Wireshark: an
// interface for each place a host listened at, named "host/interface".
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>

#include "model/prober.h"

namespace podroute {

// Writes to a stream that outlives it. Frames carry their host's monotonic clock, which says nothing about
// another host's: in each round the first frame of every host is put at the round's time. Within a host times
// are exact, between hosts off by up to the time until a packet first reached them.
class PcapNg {
  public:
    explicit PcapNg(std::ostream& out);
    // `now_us`: microseconds since the epoch.
    void add(const RoundPlan& plan, const Caught& caught, std::uint64_t now_us);

  private:
    std::uint32_t interface_of(const std::string& name, std::uint32_t snaplen);

    std::ostream& out_;
    std::map<std::string, std::uint32_t> interfaces_;
};

// A prober that lets somebody see what was caught before it is read.
class FrameTap final : public Prober {
  public:
    using Sink = std::function<void(const RoundPlan&, const Caught&)>;
    FrameTap(Prober& inner, Sink sink) : inner_(inner), sink_(std::move(sink)) {}
    std::optional<RoundPlan> next(const Snapshot& snapshot) override { return inner_.next(snapshot); }
    bool complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) override {
        return inner_.complete(plan, host, frames);
    }
    RoundResult read(const RoundPlan& plan, const Caught& caught) override {
        if (sink_) sink_(plan, caught);
        return inner_.read(plan, caught);
    }

  private:
    Prober& inner_;
    Sink sink_;
};

}  // namespace podroute
