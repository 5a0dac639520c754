// podroute verify: observe, with --fix repair and observe again, judge, report.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "checks/registry.h"
#include "cli/commands.h"
#include "cli/fix.h"
#include "cli/inventory_file.h"
#include "cli/outcome.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "engine/judge.h"
#include "probes/pcapng.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

constexpr int kBadUsage = 2;
constexpr int kInternalError = 70;

using Clock = std::chrono::steady_clock;

// A report of why nothing was observed, in the files that were asked for.
int abort_run(const ReportFiles& files, const RunInfo& run, const Inventory& inventory, int exit_code,
              Error error) {
    Report report = aborted_report(run, inventory, std::move(error));
    report.exit_code = exit_code;
    files.write_what_can_be(report);
    return exit_code;
}

Report unfinished_report(const Snapshot& start, std::vector<Fix> fixes = {}) {
    Report report = aborted_report(start.run, start.inventory, {"aborted", "the run has not ended yet", ""});
    report.fixes = std::move(fixes);
    return report;
}

// `captures` gets what was caught; null: nobody does. The report files get the plan of --fix before the first
// change.
Snapshot observe_cluster(const Verify& options, const Snapshot& start, const ReportFiles& files,
                         PcapNg* captures, const std::stop_token& cancel) {
    Session session(start.inventory, options.ssh, options.output, cancel, captures);
    if (options.fix.mode == FixMode::none) return session.observe(start);
    const Announce announce = [&](const std::vector<Fix>& fixes) {
        return files.write(unfinished_report(start, fixes));
    };
    return fix_cluster(session, start, options.fix, announce, cancel);
}

// As the header of the terminal report shows it.
std::string command_name(const FixOptions& fix) {
    if (fix.mode == FixMode::none) return "verify";
    return std::string("verify --fix") + (fix.mode == FixMode::repair ? "=repair" : "") +
           (fix.dry_run ? " --dry-run" : "");
}

// The name of the first host of --only that the inventory does not have.
std::optional<HostId> unknown_host(const Policy& policy, const Inventory& inventory) {
    const auto at = std::find_if(policy.only.begin(), policy.only.end(),
                                 [&](const HostId& h) { return inventory.find(h) == nullptr; });
    return at == policy.only.end() ? std::nullopt : std::optional(*at);
}

std::string snapshot_text(const Snapshot& snapshot) {
    std::ostringstream out;
    write_snapshot(snapshot, out);
    return out.str();
}

}  // namespace

int run(const Verify& options) {
    RunHooks hooks;
    hooks.command = command_name(options.fix);
    return verify(options, hooks);
}

int verify(const Verify& options, const RunHooks& hooks) {
    const auto started = Clock::now();
    const RunInfo run_info = new_run(options.machines);
    const auto files = open_reports(
        options.output, aborted_report(run_info, {}, {"aborted", "the run has not ended yet", ""}));
    if (!files) return kBadUsage;
    const auto inventory = read_inventory(options.machines);
    if (!inventory) {
        abort_run(*files, run_info, {}, kBadUsage, inventory.error().errors.front());
        return print_errors(inventory.error());
    }
    if (const auto host = unknown_host(options.policy, *inventory)) {
        const std::string text = "--only: '" + sanitize(*host) + "' is no host of " + options.machines;
        fmt::print(stderr, "podroute: {}\n", text);
        return abort_run(*files, run_info, *inventory, kBadUsage, {"bad-usage", text, ""});
    }
    if (const auto good = check_ssh_configs(options.ssh); !good) {
        fmt::print(stderr, "podroute: {}: {}\n", sanitize(good.error().where), good.error().text);
        return abort_run(*files, run_info, *inventory, kBadUsage, good.error());
    }
    Policy policy = options.policy;
    if (const auto good = hooks.prepare ? hooks.prepare(*inventory, policy) : Result<void>(); !good) {
        fmt::print(stderr, "podroute: {}\n", sanitize(good.error().text));
        return abort_run(*files, run_info, *inventory, kBadUsage, good.error());
    }
    // The recording is tried before the run: after it, it would be too late to say that it cannot be written.
    if (!options.snapshot.empty()) {
        if (const auto good = write_atomically(options.snapshot, ""); !good) {
            fmt::print(stderr, "podroute: {}: {}\n", good.error().where, good.error().text);
            return abort_run(*files, run_info, *inventory, kBadUsage, good.error());
        }
    }
    std::ofstream capture_file;
    std::optional<PcapNg> captures;
    if (!options.pcap.empty()) {
        capture_file.open(options.pcap, std::ios::binary | std::ios::trunc);
        if (!capture_file) {
            const std::string text = "--pcap: " + sanitize(options.pcap) + " cannot be written";
            fmt::print(stderr, "podroute: {}\n", text);
            return abort_run(*files, run_info, *inventory, kBadUsage, {"bad-usage", text, options.pcap});
        }
        captures.emplace(capture_file);
    }
    set_up_log(options.output.verbose);

    Snapshot start;
    start.run = run_info;
    start.policy = policy;
    start.policy.login = login_of(options.ssh);
    start.inventory = *inventory;
    if (!open_reports(options.output, unfinished_report(start))) return kInternalError;
    const CancelOnSignal signals;
    Snapshot snapshot =
        observe_cluster(options, start, *files, captures ? &*captures : nullptr, signals.token());
    snapshot.run.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started).count();
    if (hooks.observed) hooks.observed(snapshot);
    Report report = judge(snapshot, all_checks());
    // The cluster was judged, and that is told; but a run without its recording is not what was asked for.
    const auto record = [&](const Result<void>& kept) {
        if (kept) return;
        fmt::print(stderr, "podroute: {}: {}\n", sanitize(kept.error().where), kept.error().text);
        report = with_error(std::move(report), kept.error());
    };
    if (captures && !capture_file.flush())
        record(failure("capture-not-written", "not written whole", options.pcap));
    if (!options.snapshot.empty()) record(write_atomically(options.snapshot, snapshot_text(snapshot)));
    return finish(report, *files, options.output, hooks.command, hooks.drawing);
}

}  // namespace podroute::cli
