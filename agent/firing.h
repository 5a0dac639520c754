// Frames and packets sent as they are.
#pragma once

#include <functional>

#include "agent/pods.h"
#include "agent/waiting.h"

namespace podroute::agent {

// What is done between two frames: until a time, once if that is past.
using Between = std::function<void(Clock::time_point until)>;

// Sends in the given order, a frame not before its time: on its link, Ethernet header and all, or with
// ifindex 0 as an IP packet that its namespace's kernel routes, from the packet's source address, which must
// be one of that namespace. Every 32 frames, and while it waits, `between` is called. Ends early when the
// controller is gone. Errors: "packet-socket" (nothing was sent).
Result<FireReply> fire(const std::vector<Frame>& frames, const Pods& pods, const Between& between);

}  // namespace podroute::agent
