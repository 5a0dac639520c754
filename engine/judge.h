// One snapshot in, one report out. Pure: the same snapshot gives the same report, byte for byte.
#pragma once

#include <span>
#include <string_view>

#include "engine/check.h"
#include "model/report.h"

namespace podroute {

// The stage of a round that says which hosts another run was changing when this one had looked at them, each
// as an Unknown with the reason: what was seen there may still be taken back, so that it proves nothing.
inline constexpr std::string_view kFixerStage = "fixer";

Report judge(const Snapshot& snapshot, std::span<const Check> checks);

}  // namespace podroute
