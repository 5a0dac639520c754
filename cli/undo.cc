// podroute undo: takes back what the --fix of a report did, or every route that podroute made.
#include "engine/undo.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "cli/commands.h"
#include "cli/fix.h"
#include "cli/inventory_file.h"
#include "cli/outcome.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "engine/fix_text.h"
#include "engine/login_text.h"
#include "reports/read_json.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

constexpr int kBadUsage = 2;

Result<ReportedFixes> read_report(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return failure("bad-report", "cannot be read", file);
    std::string bytes;
    std::vector<char> buffer(std::size_t{1} << 16);
    // One byte over the limit is enough to be refused.
    while (in && bytes.size() <= kMaxReportBytes) {
        in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        bytes.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) return failure("bad-report", "cannot be read: it is a directory, or its disk fails", file);
    auto found = read_fixes(bytes);
    if (!found) found.error().where = file;
    return found;
}

// Of the hosts of a report, or of all for --all, as the inventory names them.
Inventory hosts_to_reach(const Undo& options, const Inventory& inventory, const std::vector<Fix>& reported) {
    if (options.all) return inventory;
    std::set<HostId> wanted;
    for (const Fix& fix : reported)
        if (fix.status == FixStatus::applied) wanted.insert(fix.host);
    Inventory reached;
    for (const InventoryHost& host : inventory.hosts)
        if (wanted.contains(host.name)) reached.hosts.push_back(host);
    return reached;
}

std::string shown(const Snapshot& now, const Fix& fix, const std::optional<State>& state) {
    static const HostFacts kNothing;
    const auto at = now.hosts.find(fix.host);
    const bool known = at != now.hosts.end() && at->second.known();
    const auto lines = state_lines(fix.change.object, state, known ? *at->second : kNothing);
    return lines.empty() ? "nothing" : lines.front();
}

// What was taken back, and of what a killed run may have made with the word that it is not sure.
void make_undone(std::vector<Fix>& fixes, const std::vector<Fix>& reported) {
    std::map<std::pair<HostId, std::string>, std::string> doubts;
    for (const Fix& fix : reported)
        if (fix.status == FixStatus::applied) doubts[{fix.host, fix.id}] = fix.reason;
    for (Fix& fix : fixes) {
        if (fix.status == FixStatus::applied) {
            fix.status = FixStatus::undone;
            fix.reason = doubts[{fix.host, fix.id}];
        }
        if (fix.status == FixStatus::already) fix.reason = "nothing to undo: it is as it was before the fix";
        if (fix.status == FixStatus::refused) fix.reason = "left alone: " + fix.reason;
    }
}

// Hosts of which --all does not know what is on them.
void add_unread(const Snapshot& now, std::vector<Fix>& fixes) {
    for (const InventoryHost& host : now.inventory.hosts) {
        const auto& facts = now.hosts.at(host.name);
        if (facts.known() && facts->routes.known()) continue;
        Fix fix;
        fix.id = host.name + "/undo/-";
        fix.host = host.name;
        fix.cause = "undo";
        fix.status = FixStatus::failed;
        fix.reason = host.name +
                     " was not read: " + (facts.known() ? facts->routes.unknown().why : facts.unknown().why);
        fixes.push_back(std::move(fix));
    }
}

struct Undone {
    RunInfo run;
    std::vector<Fix> fixes;
};

Undone undo(const Undo& options, const Inventory& inventory, const std::vector<Fix>& reported,
            const std::stop_token& cancel) {
    const auto begun = std::chrono::steady_clock::now();
    Snapshot start;
    start.run = new_run(options.machines);
    start.inventory = inventory;
    start.policy.login = login_of(options.ssh);
    const Inventory reached = hosts_to_reach(options, inventory, reported);
    if (reached.hosts.empty()) return {start.run, undo_of(start, reported)};
    Session session(reached, options.ssh, options.output, cancel);
    RecoveredHosts recovered;
    if (!options.all || options.yes) recovered = recover(session.fleet(), cancel);
    start.inventory = reached;
    Snapshot now = session.read(start);
    std::vector<Fix> earlier = recovered_fixes(recovered, now);
    now.inventory = inventory;
    std::vector<Fix> fixes = options.all ? undo_all(now) : undo_of(now, reported);
    if (!options.all || options.yes) {
        session.phase("changing hosts");
        refuse_unrecovered(recovered, fixes);
        RepairOptions repair_options{start.run.id, start.run.started};
        repair_options.show = [&](const Fix& fix, const std::optional<State>& state) {
            return shown(now, fix, state);
        };
        fixes = repair(session.fleet(), std::move(fixes), {}, repair_options, cancel);
        make_undone(fixes, reported);
    }
    if (options.all) add_unread(now, fixes);
    fixes.insert(fixes.begin(), std::make_move_iterator(earlier.begin()),
                 std::make_move_iterator(earlier.end()));
    for (Fix& fix : fixes) fix.command = as_logged_in(fix.command, now);
    start.run.cancelled = cancel.stop_requested();
    start.run.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun)
            .count();
    return {start.run, std::move(fixes)};
}

Report report_of(Undone undone, const Inventory& inventory) {
    Report report;
    report.run = std::move(undone.run);
    report.inventory = inventory;
    const bool good = std::all_of(undone.fixes.begin(), undone.fixes.end(), [](const Fix& fix) {
        return fix.status != FixStatus::refused && fix.status != FixStatus::failed &&
               (fix.status != FixStatus::reverted || fix.cause == "recovered");
    });
    report.verdict = good && !report.run.cancelled ? RunVerdict::pass : RunVerdict::fail;
    report.exit_code = report.verdict == RunVerdict::pass ? 0 : 1;
    report.fixes = std::move(undone.fixes);
    return report;
}

}  // namespace

int run(const Undo& options) {
    std::vector<Fix> reported;
    Inventory inventory;
    if (!options.all) {
        auto found = read_report(options.report);
        if (!found) {
            fmt::print(stderr, "podroute: {}: {}\n", found.error().where, sanitize(found.error().text));
            return kBadUsage;
        }
        reported = std::move(found->fixes);
        inventory = std::move(found->inventory);
    }
    if (options.all || options.machines_given) {
        auto read = read_inventory(options.machines);
        if (!read) return print_errors(read.error());
        inventory = std::move(*read);
    }
    if (const auto good = check_ssh_configs(options.ssh); !good) {
        fmt::print(stderr, "podroute: {}: {}\n", sanitize(good.error().where), good.error().text);
        return kBadUsage;
    }
    const auto files = open_reports(
        options.output,
        aborted_report(new_run(options.machines), inventory, {"aborted", "the run has not ended yet", ""}));
    if (!files) return kBadUsage;
    set_up_log(options.output.verbose);
    const CancelOnSignal signals;
    const Report report = report_of(undo(options, inventory, reported, signals.token()), inventory);
    return finish_undo(report, *files, options.output);
}

}  // namespace podroute::cli
