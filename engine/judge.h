// One snapshot in, one report out. Pure: the same snapshot gives the same report, byte for byte.
#pragma once

#include <span>

#include "engine/check.h"
#include "model/report.h"

namespace podroute {

Report judge(const Snapshot& snapshot, std::span<const Check> checks);

}  // namespace podroute
