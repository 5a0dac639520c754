// One host as a walk sees it: tables, links and settings, with or without an overlay.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/classify.h"
#include "engine/fib.h"
#include "engine/neighbours.h"

namespace podroute {

// What decides whether a packet that came in by a link goes on.
struct LinkSettings {
    enum class Forwarding : std::uint8_t { on, off, unknown };
    std::string name;
    bool up = true;
    Forwarding ipv4 = Forwarding::unknown, ipv6 = Forwarding::unknown;
    std::string ipv4_reason, ipv6_reason;  // why it is off or unknown
    int rp_filter = 0;                     // effective: max(all, link); -1: not read
};

// Stands for the link that the first pod will bring, with the settings of conf/default.
inline constexpr std::uint32_t kFutureLink = 0;

class WalkHost {
  public:
    WalkHost(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts);
    // The same host under an overlay; shares the tables.
    WalkHost(const WalkHost& base, std::span<const Change> overlay);

    const InventoryHost& host() const { return *host_; }
    const HostFacts& facts() const { return *facts_; }
    const Fib& fib() const { return fib_; }
    const HostRoles& host_roles() const { return *roles_; }
    const LinkSettings& settings(std::uint32_t ifindex) const;
    const Link* link(std::uint32_t ifindex) const;
    NeighbourState neighbour(const Address& address, std::uint32_t ifindex) const;
    const Neighbour* neighbour_entry(const Address& address, std::uint32_t ifindex) const {
        return neighbours_->entry(address, ifindex);
    }

  private:
    LinkSettings read_settings(const Link* link, std::span<const Change> overlay) const;
    void read_all_settings(std::span<const Change> overlay);

    const InventoryHost* host_;
    const HostFacts* facts_;
    Fib fib_;
    std::shared_ptr<const HostRoles> roles_;
    std::shared_ptr<const Neighbours> neighbours_;
    std::shared_ptr<const std::unordered_map<std::uint32_t, LinkSettings>> settings_;
    std::vector<NeighbourObject> removed_neighbours_;
};

}  // namespace podroute
