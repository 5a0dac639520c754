// Causes made of the object that a broken leg hangs on, for faults that no check asserts anything about: a
// route or a neighbour entry for a node address, a rule that only some packets meet.
#pragma once

#include <vector>

#include "engine/walk.h"
#include "model/verdict.h"

namespace podroute {

// What could be at fault for `leg`, most likely first, each with the remedy that takes the object away and
// the commands for it. Whether the packet passes then is for the caller to walk. Routes to pod networks are
// left out: the route class speaks of them.
std::vector<Cause> stop_causes(const Snapshot& snapshot, const Leg& leg, const Endpoint& to);

}  // namespace podroute
