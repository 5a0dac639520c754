// From what the checks put forward to one cause per fault.
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

struct FoldedCause {
    Cause cause;
    std::vector<std::string> affects;   // check ids, in the order of the verdicts, each once
    std::vector<std::string> subjects;  // of all that were joined into it, its own first
};

// One entry per (code, host, subject); entries of one host that are mended by one and the same change are
// joined (a policy rule that diverts many networks is one fault); consequences of another error are dropped,
// their check ids going to it.
std::vector<FoldedCause> fold(const Snapshot& snapshot, std::span<const Verdict> verdicts,
                              std::span<const std::string> check_ids);

bool is_route_code(const std::string& code);  // of the route class, gateway and neighbour included
std::string cause_id(const Cause& cause);     // "CODE/HOST/SUBJECT"

}  // namespace podroute
