// Judges next hops: whether packets given to one reach the owner of a CIDR.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "model/snapshot.h"

namespace podroute {

enum class LegJudgement : std::uint8_t { right, wrong, unknown };

struct LegResult {
    LegJudgement judgement = LegJudgement::unknown;
    std::string why;         // of wrong and unknown
    std::string blocked_by;  // of unknown: the cause code that stands in the way, or empty
};

// The addresses by which packets reach a host.
struct OwnerAddresses {
    const Unknown* unread = nullptr;  // its dump was not read: only `inventory` counts
    std::set<Address> inventory, all;

    OwnerAddresses() = default;
    OwnerAddresses(const Snapshot& snapshot, const InventoryHost& owner);
};

LegResult judge_leg(const NextHop& hop, const HostFacts& facts, const OwnerAddresses& owner);

// The judgement of all legs: wrong if one is, else unknown if one is. No legs are wrong.
LegResult judge_legs(const std::vector<NextHop>& hops, const HostFacts& facts, const OwnerAddresses& owner);

// Whether packets sent out of such a link without a next hop may still reach another host (a tunnel does its
// own forwarding).
bool is_tunnel(const Link& link);

}  // namespace podroute
