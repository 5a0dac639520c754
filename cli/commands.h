// The commands; each returns the process's exit code.
#pragma once

#include <functional>
#include <string>

#include "cli/options.h"
#include "engine/expected.h"
#include "model/report.h"
#include "model/snapshot.h"
#include "reports/terminal.h"

namespace podroute::cli {

int run(const Verify& options);
int run(const Plan& options);
int run(const Replay& options);
int run(const Undo& options);
int run(const Explain& options);
int run(const TracePair& options);

// What another command changes of a verify run.
struct RunHooks {
    std::string command = "verify";
    // Narrows the policy once the inventory is known; an error is bad usage.
    std::function<Result<void>(const Inventory&, Policy&)> prepare{};
    // Called with what is judged.
    std::function<void(const Snapshot&)> observed{};
    // Printed before the report for a person.
    std::function<std::string(const Report&, const TerminalOptions&)> drawing{};
};
int verify(const Verify& options, const RunHooks& hooks);

// What `plan` prints: per host the expected pod routes as a table and as `ip route add` lines.
std::string render_plan(const Inventory& inventory, const Expected& expected);

}  // namespace podroute::cli
