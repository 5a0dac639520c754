// One host, prepared for the classification of many CIDRs.
#pragma once

#include <unordered_map>

#include "engine/classify.h"
#include "engine/fib.h"
#include "engine/neighbours.h"

namespace podroute {

// Views are kept: the facts and the inventory must outlive it.
struct HostContext {
    const HostFacts& facts;
    const InventoryHost& host;
    Fib fib;
    HostRoles host_roles;
    Neighbours neighbours;
    std::unordered_map<Address, const FibAnswer*> kernel;  // output answers by destination

    HostContext(const Snapshot& snapshot, const HostFacts& host_facts, const InventoryHost& inventory_host);

    // Null if there is none.
    const Link* link(std::uint32_t index) const;
    bool is_uplink(std::uint32_t index) const;
    // The link by which a route to `next_hop` would leave: the one whose network holds it, else an uplink; 0
    // if neither is known.
    std::uint32_t link_towards(const Address& next_hop) const;

  private:
    void add_answers(const std::vector<FibAnswer>& answers);
};

}  // namespace podroute
