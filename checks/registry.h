// All checks, in the order in which they are run and shown.
#pragma once

#include <span>

#include "engine/check.h"

namespace podroute {

std::span<const Check> all_checks();

}  // namespace podroute
