// A check: data plus a pure function. The list of all of them is checks/registry.cc.
#pragma once

#include <string_view>
#include <vector>

#include "engine/expected.h"
#include "engine/probe_facts.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

struct Check {
    std::string_view code;  // what is asserted ("route-present")
    Layer layer;
    bool can_error;  // false: at most a warning, so that unknown does not make the run inconclusive
    std::vector<Verdict> (*run)(const Snapshot&, const Expected&, const ProbeFacts&);
};

}  // namespace podroute
