// The next hops that are worth a question: of one host, towards the pod networks of others.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/snapshot.h"

namespace podroute {

// Whose a pod or node address is, by the inventory, which must outlive it. Asked of every next hop of every
// host.
class Owners {
  public:
    explicit Owners(const Inventory& inventory);
    // Null: nobody's. CIDRs that overlap are a fault of the inventory; any of the owners will do then.
    const InventoryHost* of_pod(const Address& address) const;
    const InventoryHost* of_node(const Address& address) const;

  private:
    std::unordered_map<Address, const InventoryHost*> nodes_;
    std::vector<std::pair<Prefix, const InventoryHost*>> cidrs_;
};

struct Gateway {
    Address address;
    std::uint32_t ifindex = 0;
    const HostFacts* owner = nullptr;
    const Neighbour* entry = nullptr;  // of the host's table; null: none

    // The entry holds a MAC that the owner has on none of its links.
    bool foreign_mac() const;
};

// Null: not read.
const HostFacts* known_facts(const Snapshot& snapshot, const HostId& host);
// Null: not in the dump.
const Link* link_of(const HostFacts& facts, std::uint32_t ifindex);

// All must outlive it.
class GatewayFinder {
  public:
    GatewayFinder(const Snapshot& snapshot, const Owners& owners, const InventoryHost& host,
                  const HostFacts& facts);

    // Of the FIB answers towards the pod CIDRs of peers, and control hosts on the link of a host with pods;
    // each once. None over a link that is down, none whose owner was not read.
    std::vector<Gateway> towards_pods() const;
    // The host that follows this one in the inventory, of those that are on the same link. Each address is
    // so asked for once, whatever the neighbour tables hold: a second machine that has it must not depend on
    // who answered first.
    std::optional<Gateway> next_in_ring() const;

  private:
    const InventoryHost* control_host(const FibAnswer& answer) const;
    std::optional<Gateway> gateway(const InventoryHost& peer, const NextHop& hop) const;
    const HostFacts* owner_of(const InventoryHost& peer, const Address& gateway) const;
    std::optional<std::uint32_t> on_link(const Address& address) const;
    const Neighbour* entry(const Address& address, std::uint32_t ifindex) const;

    const Snapshot& snapshot_;
    const Owners& owners_;
    const InventoryHost& host_;
    const HostFacts& facts_;
    std::map<std::pair<Address, std::uint32_t>, const Neighbour*> entries_;
};

}  // namespace podroute
