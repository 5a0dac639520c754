// Plans rounds and reads what they brought; implemented in probes/, driven by hosts/observe.
#pragma once

#include <optional>
#include <span>

#include "model/frame.h"
#include "model/round.h"
#include "model/snapshot.h"

namespace podroute {

class Prober {
  public:
    virtual ~Prober() = default;
    // The next round, nothing when there is no more to ask. Pure.
    virtual std::optional<RoundPlan> next(const Snapshot& snapshot) = 0;
    // True when all is in that this host is to wait for. Asked before it waits and after each reply.
    virtual bool complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) = 0;
    virtual RoundResult read(const RoundPlan& plan, const Caught& caught) = 0;
};

}  // namespace podroute
