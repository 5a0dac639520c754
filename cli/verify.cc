// podroute verify: observe, judge, report.
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <semaphore>
#include <sstream>

#include "agent/image.h"
#include "checks/registry.h"
#include "cli/commands.h"
#include "cli/inventory_file.h"
#include "cli/outcome.h"
#include "cli/signals.h"
#include "cli/version.h"
#include "engine/judge.h"
#include "hosts/observe.h"
#include "hosts/ssh_link.h"
#include "probes/neighbour_prober.h"
#include "reports/progress.h"
#include "reports/terminal.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

constexpr int kBadUsage = 2;
constexpr int kInternalError = 70;

using Clock = std::chrono::steady_clock;

std::string random_word(std::size_t letters) {
    constexpr std::string_view kLetters = "0123456789abcdef";
    std::random_device device;
    std::string out;
    while (out.size() < letters) out += kLetters[device() % kLetters.size()];
    return out;
}

RunInfo new_run(const std::string& machines) {
    RunInfo run;
    run.id = random_word(16);
    run.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    run.tool_version = kVersion;
    run.machines_file = machines;
    return run;
}

SshOptions ssh_options(const SshSettings& settings) {
    SshOptions options;
    options.user = settings.user;
    options.port = settings.port;
    options.identities = settings.identities;
    options.config = settings.config;
    options.known_hosts = settings.known_hosts;
    options.host_key_check = settings.accept_new ? HostKeyCheck::accept_new : HostKeyCheck::strict;
    options.sudo = settings.sudo;
    options.connect_timeout = std::chrono::seconds(settings.connect_timeout_s);
    options.jobs = settings.jobs == 0 ? kDefaultJobs : settings.jobs;
    return options;
}

// A report of why nothing was observed, in the files that were asked for.
int abort_run(const ReportFiles& files, const RunInfo& run, const Inventory& inventory, int exit_code,
              Error error) {
    Report report = aborted_report(run, inventory, std::move(error));
    report.exit_code = exit_code;
    static_cast<void>(files.write(report));
    return exit_code;
}

// Says on stderr, under --verbose, what became of each host and when.
void set_up_log(bool verbose) {
    auto log = spdlog::stderr_logger_mt("podroute");
    log->set_pattern("%H:%M:%S.%e %v");
    log->set_level(verbose ? spdlog::level::info : spdlog::level::off);
    spdlog::set_default_logger(log);
}

Opener logged(const LoginContext& context) {
    return [&context](const InventoryHost& host) {
        const auto start = Clock::now();
        auto link = open_ssh_link(host, context);
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
        if (link)
            spdlog::info("{}: agent started after {} ms", host.name, ms);
        else
            spdlog::info("{}: {} after {} ms: {}", host.name, link.error().code, ms,
                         sanitize(link.error().why));
        return link;
    };
}

Snapshot observe_cluster(const Verify& options, Snapshot start, const std::stop_token& cancel) {
    Watchdog watchdog(cancel);
    const auto ssh = ssh_options(options.ssh);
    std::counting_semaphore<> jobs(ssh.jobs);
    const auto image = agent_image();
    const LoginContext context{ssh,
                               {image, std::string(agent_image_machine())},
                               posix_cksum(image),
                               random_word(32),
                               watchdog,
                               jobs,
                               cancel};

    const auto terminal = detect_terminal(STDERR_FILENO, [](const char* name) { return std::getenv(name); });
    std::vector<HostId> names;
    names.reserve(start.inventory.hosts.size());
    for (const auto& host : start.inventory.hosts) names.push_back(host.name);
    const bool shown = isatty(STDERR_FILENO) != 0 && !options.output.quiet && !options.output.verbose;
    ProgressDisplay display(
        {STDERR_FILENO, shown, terminal.width, terminal.utf8, std::chrono::milliseconds(100)}, names);

    NeighbourProber prober;
    const Inventory inventory = start.inventory;
    Snapshot snapshot = [&] {
        Fleet fleet(inventory, logged(context));
        return observe(fleet, std::move(start), prober, cancel,
                       [&](const ProgressEvent& e) { display.update(e.phase, e.reached, e.read, e.total); });
    }();
    display.done();
    return snapshot;
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
    return verify(options, {});
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
    set_up_log(options.output.verbose);

    Snapshot start;
    start.run = run_info;
    start.policy = policy;
    start.inventory = *inventory;
    if (const auto again =
            open_reports(options.output,
                         aborted_report(run_info, *inventory, {"aborted", "the run has not ended yet", ""}));
        !again)
        return kInternalError;
    const CancelOnSignal signals;
    Snapshot snapshot = observe_cluster(options, std::move(start), signals.token());
    snapshot.run.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started).count();
    if (!options.snapshot.empty()) {
        if (const auto good = write_atomically(options.snapshot, snapshot_text(snapshot)); !good) {
            fmt::print(stderr, "podroute: {}: {}\n", good.error().where, good.error().text);
            return abort_run(*files, snapshot.run, *inventory, kInternalError, good.error());
        }
    }
    return finish(judge(snapshot, all_checks()), *files, options.output, hooks.command, hooks.drawing);
}

}  // namespace podroute::cli
