// When a host need not wait any longer.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "model/prober.h"
#include "probes/probe_index.h"

namespace podroute {

// Whether everything is settled that a host alone can see of one round: its own probes are answered, or
// objected to. What is sent by one of several next hops is answered by nobody: the owner of the pod network
// waits for it to come in. Each frame is read once, however often it is asked.
class Settled {
  public:
    explicit Settled(const RoundPlan& plan);
    bool complete(const HostId& host, std::span<const Frame> frames);

  private:
    struct Open {
        std::size_t read = 0, left = 0;
        std::unordered_set<std::uint64_t> done;  // flow and number
    };
    // The host that sees when probes of this flow are settled; null: nobody waits for them.
    const HostId* witness(const ProbeFlow& flow) const;
    bool settles(const HostId& host, const Frame& frame, const SeenPacket& seen, const ProbeFlow& flow) const;

    const ProbeScript script_;
    ProbeIndex index_;
    std::unordered_map<std::string, Open> hosts_;
};

}  // namespace podroute
