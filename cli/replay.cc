// podroute replay: judges a recorded snapshot again. Run info is inside, so that the report is the same byte
// for byte.
#include <fmt/format.h>

#include <fstream>

#include "checks/registry.h"
#include "cli/commands.h"
#include "cli/outcome.h"
#include "engine/judge.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {
constexpr int kBadUsage = 2;
}

int run(const Replay& options) {
    std::ifstream in(options.snapshot, std::ios::binary);
    if (!in) {
        fmt::print(stderr, "podroute: {}: cannot be read\n", options.snapshot);
        return kBadUsage;
    }
    const auto snapshot = read_snapshot(in, options.snapshot);
    if (!snapshot) {
        fmt::print(stderr, "podroute: {}: {}\n", snapshot.error().where, sanitize(snapshot.error().text));
        return kBadUsage;
    }
    const auto files = open_reports(
        options.output,
        aborted_report(snapshot->run, snapshot->inventory, {"aborted", "the run has not ended yet", ""}));
    if (!files) return kBadUsage;
    return finish(judge(*snapshot, all_checks()), *files, options.output, "replay");
}

}  // namespace podroute::cli
