// What takes back the fixes of an earlier run.
#pragma once

#include <span>
#include <vector>

#include "model/fix.h"
#include "model/snapshot.h"

namespace podroute {

// Of the fixes of a report, those that were applied, reversed and last first. Planned, or refused with the
// reason: only what --fix could have done is taken back (routes to pod networks of `now`'s inventory, made by
// podroute or replaced by it; forwarding settings; neighbour entries of nodes), so that a report that
// someone else wrote can do no more. Whether an object is still as the run left it, the host itself looks at.
std::vector<Fix> undo_of(const Snapshot& now, std::span<const Fix> reported);

// The removal of every route of protocol 112 to a pod network of the inventory, on every host that was read.
std::vector<Fix> undo_all(const Snapshot& now);

}  // namespace podroute
