// One leg of a walk.
#pragma once

#include "engine/walk.h"
#include "engine/walk_world.h"

namespace podroute {

struct WalkPacket {
    const Endpoint& from;
    const Endpoint& to;
    bool reply = false;
    std::uint8_t ip_proto = 0;
    std::uint16_t destination_port = 0;
    Prefix network{};  // the pod CIDR of `to`, or its host prefix
};

// Over every ECMP leg, at most 16 hops.
Leg walk_leg(const WalkWorld& world, const WalkPacket& packet);

}  // namespace podroute
