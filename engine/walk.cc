// Both legs of a flow.
#include "engine/walk.h"

#include "engine/walk_leg.h"

namespace podroute {
namespace {

WalkStatus both(WalkStatus a, WalkStatus b) {
    if (a == WalkStatus::broken || b == WalkStatus::broken) return WalkStatus::broken;
    return a == WalkStatus::unknown || b == WalkStatus::unknown ? WalkStatus::unknown : WalkStatus::pass;
}

}  // namespace

Walker::Walker(const Snapshot& snapshot) : world_(std::make_unique<WalkWorld>(snapshot)) {}
Walker::~Walker() = default;

Walk Walker::walk(const Flow& flow, std::span<const HostChange> overlay) {
    world_->set_overlay(overlay);
    const WalkPacket request{flow.source,   flow.destination,      false,
                             flow.ip_proto, flow.destination_port, world_->network_of(flow.destination)};
    const WalkPacket reply{flow.destination, flow.source, true,
                           flow.ip_proto,    0,           world_->network_of(flow.source)};
    Walk walk;
    walk.request = walk_leg(*world_, request);
    walk.reply = walk_leg(*world_, reply);
    walk.status = both(walk.request.status, walk.reply.status);
    return walk;
}

Walk walk(const Snapshot& snapshot, const Flow& flow, std::span<const HostChange> overlay) {
    return Walker(snapshot).walk(flow, overlay);
}

}  // namespace podroute
