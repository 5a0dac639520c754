// What --fix must not touch, whatever the tables predict.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>

#include "engine/expected.h"
#include "engine/neighbours.h"
#include "model/fix.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

class FixGuard {
  public:
    // Both must outlive it. `causes` are all of the run, those of other hosts and warnings included.
    FixGuard(const Snapshot& snapshot, std::span<const Cause> causes);
    // Why this change is refused, as one plain sentence; empty if nothing speaks against it. What is not
    // known is never assumed: facts that were not read refuse.
    std::string refusal(const HostId& host, const Change& change);

  private:
    std::string cluster_refusal(const HostId& host) const;
    std::string route_refusal(const InventoryHost& host, const HostFacts& facts, const Change& change);
    std::string next_hop_refusal(const InventoryHost& host, const HostFacts& facts, const NextHop& hop);
    std::string owner_refusal(const InventoryHost& host, const HostFacts& facts, const NextHop& hop);

    const Snapshot& snapshot_;
    const Expected expected_;
    bool fabric_ = false;
    bool delivered_ = false;                 // by the network, though nobody said so, and not to all
    std::map<HostId, std::string> foreign_;  // datapath-foreign: its summary
    std::map<HostId, std::string> doubted_;  // owners, and the cause that speaks against them
    std::map<std::string, std::string> doubted_address_;  // likewise, by address
    std::map<HostId, Neighbours> neighbours_;             // made when first asked for
};

}  // namespace podroute
