// The hosts that walks pass, as their facts tell, with or without an overlay.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/walk_host.h"
#include "model/change.h"
#include "model/endpoint.h"
#include "model/snapshot.h"

namespace podroute {

class WalkWorld {
  public:
    // The snapshot must outlive it.
    explicit WalkWorld(const Snapshot& snapshot);

    // Takes the place of the overlay before. Hosts whose facts were not read have none.
    void set_overlay(std::span<const HostChange> overlay);

    const Snapshot& snapshot() const { return snapshot_; }
    // Nothing if its facts were not read.
    const WalkHost* find(const HostId& host) const;
    // Why there are no facts of the host, as a cause code; empty if none is known.
    std::string unread_code(const HostId& host) const;
    // The pod CIDR of the endpoint, or its host prefix.
    Prefix network_of(const Endpoint& endpoint) const;
    // The host that takes packets for this next hop: its owner, else the destination, else whoever has it.
    std::optional<HostId> carrier_of(const Address& next_hop, const HostId& destination) const;
    // The link by which packets for this next hop enter its carrier.
    std::uint32_t entry_link(const HostId& carrier, const Address& next_hop) const;

  private:
    const Snapshot& snapshot_;
    std::unordered_map<HostId, std::unique_ptr<WalkHost>> hosts_;     // whose facts were read
    std::unordered_map<Address, std::vector<HostId>> carriers_;       // by the address dumps
    std::unordered_map<HostId, std::unique_ptr<WalkHost>> overlaid_;  // of the walk under way
};

}  // namespace podroute
