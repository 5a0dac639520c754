// The commands; each returns the process's exit code.
#pragma once

#include <string>

#include "cli/options.h"
#include "engine/expected.h"

namespace podroute::cli {

int run(const Verify& options);
int run(const Plan& options);
int run(const Replay& options);
int run(const Undo& options);
int run(const Explain& options);

// What `plan` prints: per host the expected pod routes as a table and as `ip route add` lines.
std::string render_plan(const Inventory& inventory, const Expected& expected);

}  // namespace podroute::cli
