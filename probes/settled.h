// When a host need not wait any longer.
#pragma once

#include <span>
#include <string>
#include <unordered_map>

#include "model/prober.h"
#include "probes/probe_index.h"

namespace podroute {

// Whether a host's own probes of one round are all settled: answered, or objected to. Each frame is read
// once, however often it is asked. What is sent by one of several next hops is answered by nobody: in the
// main round the answers to the pairs, which are sent later, take longer than its way; in the detail round it
// is waited for as long as the round lasts.
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
    bool to_the_end_ = false;  // of the time, for what is on its way to where nobody answers
    ProbeIndex index_;
    std::unordered_map<std::string, Open> hosts_;
};

}  // namespace podroute
