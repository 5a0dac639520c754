// Whom a host asks for when it sends a packet on: of its routes, not of the inventory.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "engine/host_context.h"
#include "model/snapshot.h"

namespace podroute {

// API: make one for a snapshot, which must outlive it; the tables of a host are indexed once.
// Thread-compatible.
class AskedGateways {
  public:
    explicit AskedGateways(const Snapshot& snapshot) : snapshot_(snapshot) {}

    // The gateway by which the host sends what goes from one end (of this host) to another, or the
    // destination itself where that is on its link. Of several the one that is known not to answer, else the
    // first. Nothing if the tables were not read, or have no way.
    std::optional<Address> of(const HostId& host, const Endpoint& from, const Address& to);

    // Whether what the host sends to the other's addresses goes to a MAC of that one, and not to one of a
    // router in between: as its neighbour table has it, and as was answered.
    bool on_link(const HostId& host, const HostId& other);

  private:
    const HostContext* context(const HostId& host);

    const Snapshot& snapshot_;
    std::map<HostId, std::unique_ptr<HostContext>> hosts_;
};

}  // namespace podroute
