// Which fixes the walk predicts to help, and how the kernel's answers must change when they do.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/walk.h"
#include "model/fix.h"
#include "model/snapshot.h"

namespace podroute {

class FixPrediction {
  public:
    // Both must outlive it, `walker` is of `snapshot`. Fixes that are not `planned` count as not there.
    FixPrediction(const Snapshot& snapshot, Walker& walker, std::span<const Fix> fixes);
    // Whether some leg that the fix is about passes with all planned fixes, and without this one does not,
    // or by a detour. A leg that passes only because a default route happens to lead to the owner does not
    // count as passing.
    bool helps(std::size_t fix);

  private:
    struct Ask {
        Flow flow;
        bool request = true, reply = true;  // the legs that the fix is about
    };
    std::vector<Ask> route_asks(const Fix& fix, const RouteObject& route) const;
    std::vector<Ask> all_asks(const HostId& host) const;
    std::vector<HostChange> overlay(const Flow& flow, std::size_t but) const;
    std::vector<HostChange> without_defaults(const HostId& host, Family family) const;
    bool improves(const Ask& ask, std::size_t fix);

    const Snapshot& snapshot_;
    Walker& walker_;
    std::span<const Fix> fixes_;
    std::map<HostId, std::vector<std::size_t>> by_host_;
    std::map<HostId, std::vector<Flow>> flows_;  // by each of their two hosts
};

// Of each fix of one host: lookups at both ends of a changed route's part of the pod networks, as they are
// and as they must become with all of `fixes`; of forwarding, a packet that comes in by the uplink. Kernel
// answers where there are some, else those of the tables. Lookups that the fixes do not change are left out.
std::vector<std::vector<FixProof>> proofs_of(const Snapshot& snapshot, const HostId& host,
                                             std::span<const Fix* const> fixes);

}  // namespace podroute
