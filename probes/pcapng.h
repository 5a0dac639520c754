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

// Writes to a stream that outlives it. Times are the controller's, whatever the hosts' clocks are: a round
// begins when its plan was made, and host_clocks.h tells what passed between hosts after that. So packets
// stand in order over the whole file; from host to host their times are right to within the time on the wire.
class PcapNg {
  public:
    explicit PcapNg(std::ostream& out);
    // `began_us`: when the round began, in microseconds since the epoch. In the order of rounds.
    void add(const RoundPlan& plan, const Caught& caught, std::uint64_t began_us);

  private:
    std::uint32_t interface_of(const std::string& name);

    std::ostream& out_;
    std::map<std::string, std::uint32_t> interfaces_;
    std::uint64_t last_us_ = 0;  // of what was written
};

// A prober that lets somebody see what was caught before it is read.
class FrameTap final : public Prober {
  public:
    using Clock = std::function<std::uint64_t()>;  // microseconds since the epoch
    using Sink = std::function<void(const RoundPlan&, const Caught&, std::uint64_t began_us)>;
    FrameTap(Prober& inner, Sink sink, Clock clock)
        : inner_(inner), sink_(std::move(sink)), clock_(std::move(clock)) {}
    std::optional<RoundPlan> next(const Snapshot& snapshot) override {
        auto plan = inner_.next(snapshot);
        if (sink_) began_us_ = clock_();
        return plan;
    }
    bool complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) override {
        return inner_.complete(plan, host, frames);
    }
    RoundResult read(const RoundPlan& plan, const Caught& caught) override {
        if (sink_) sink_(plan, caught, began_us_);
        return inner_.read(plan, caught);
    }

  private:
    Prober& inner_;
    Sink sink_;
    Clock clock_;
    std::uint64_t began_us_ = 0;
};

}  // namespace podroute
