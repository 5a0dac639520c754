// What --fix would do: one change for each thing that is missing, or the reason why it is left to a person.
#pragma once

#include <span>
#include <vector>

#include "engine/walk.h"
#include "model/fix.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

struct FixPolicy {
    bool repair = false;  // also causes that are mended by replacing what is there (--fix=repair)
};

struct FixPlan {
    std::vector<Fix> fixes;                     // planned or refused; hosts in order of the inventory
    std::vector<std::vector<FixProof>> proofs;  // of each fix; of refused ones none
};

// Pure. `causes` are all diagnoses of the run: error-level ones that may be mended by a program become fixes,
// the others may speak against them (engine/fix_refusals.h). A fix is refused also if the walk does not
// predict it to help: with all planned fixes applied some leg passes that without this one is
// broken or makes a detour. Errors:
// "cancelled", the run saw only a part of the cluster.
Result<FixPlan> plan_fix(const Snapshot& snapshot, std::span<const Cause> causes, FixPolicy policy);

}  // namespace podroute
