// Logins, progress and the log of a run.
#include "cli/session.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "agent/image.h"
#include "cli/version.h"
#include "hosts/observe.h"
#include "hosts/ssh_config.h"
#include "hosts/ssh_config_file.h"
#include "hosts/ssh_link.h"
#include "probes/neighbour_prober.h"
#include "probes/packet_prober.h"
#include "reports/progress.h"
#include "reports/terminal.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::string random_word(std::size_t letters) {
    constexpr std::string_view kLetters = "0123456789abcdef";
    std::random_device device;
    std::string out;
    while (out.size() < letters) out += kLetters[device() % kLetters.size()];
    return out;
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

std::vector<HostId> names_of(const Inventory& inventory) {
    std::vector<HostId> names;
    names.reserve(inventory.hosts.size());
    for (const auto& host : inventory.hosts) names.push_back(host.name);
    return names;
}

ProgressOptions progress_options(const OutputOptions& output) {
    const auto terminal = detect_terminal(STDERR_FILENO, [](const char* name) { return std::getenv(name); });
    const bool shown = isatty(STDERR_FILENO) != 0 && !output.quiet && !output.verbose;
    return {STDERR_FILENO, shown, terminal.width, terminal.utf8, std::chrono::milliseconds(100)};
}

// Wall clock, as capture files hold it.
std::uint64_t now_us() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

// Asks nothing beyond the facts.
class NoProber final : public Prober {
  public:
    std::optional<RoundPlan> next(const Snapshot&) override { return std::nullopt; }
    bool complete(const RoundPlan&, const HostId&, std::span<const Frame>) override { return true; }
    RoundResult read(const RoundPlan&, const Caught&) override { return {}; }
};

}  // namespace

RunInfo new_run(const std::string& machines) {
    RunInfo run;
    run.id = random_word(16);
    run.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    run.tool_version = kVersion;
    run.machines_file = machines;
    return run;
}

Login login_of(const SshSettings& settings) {
    return {settings.user, settings.port, settings.sudo};
}

Result<void> check_ssh_configs(const SshSettings& settings) {
    if (!settings.config.empty()) return check_ssh_config(settings.config);
    auto good = check_ssh_config(expanded_home("~/.ssh/config"));
    return good ? check_ssh_config("/etc/ssh/ssh_config") : good;
}

void set_up_log(bool verbose) {
    auto log = spdlog::stderr_logger_mt("podroute");
    log->set_pattern("%H:%M:%S.%e %v");
    log->set_level(verbose ? spdlog::level::info : spdlog::level::off);
    spdlog::set_default_logger(log);
}

// In the order in which each needs those before it.
struct Session::Parts {
    std::stop_token cancel;
    Watchdog watchdog;
    SshOptions ssh;
    std::counting_semaphore<> jobs;
    LoginContext context;
    ProgressDisplay display;
    PcapNg* captures;
    std::uint32_t observations = 0;
    Fleet fleet;

    Parts(const Inventory& inventory, const SshSettings& settings, const OutputOptions& output,
          const std::stop_token& stop, PcapNg* pcap)
        : cancel(stop),
          watchdog(cancel),
          ssh(ssh_options(settings)),
          jobs(ssh.jobs),
          context{ssh,
                  {agent_image(), std::string(agent_image_machine()), compressed_agent_image()},
                  posix_cksum(agent_image()),
                  random_word(32),
                  watchdog,
                  jobs,
                  cancel},
          display(progress_options(output), names_of(inventory)),
          captures(pcap),
          fleet(inventory, logged(context)) {}

    Snapshot observe(Snapshot start, Prober& prober) {
        start.run.observation = observations++;
        return podroute::observe(fleet, std::move(start), prober, cancel, [&](const ProgressEvent& e) {
            display.update(e.phase, e.reached, e.read, e.total);
        });
    }
};

Session::Session(const Inventory& inventory, const SshSettings& ssh, const OutputOptions& output,
                 const std::stop_token& cancel, PcapNg* captures)
    : parts_(std::make_unique<Parts>(inventory, ssh, output, cancel, captures)) {}

Session::~Session() {
    parts_->display.done();
}

Fleet& Session::fleet() {
    return parts_->fleet;
}

void Session::phase(const std::string& name) {
    parts_->display.phase(name);
}

Snapshot Session::observe(Snapshot start) {
    NeighbourProber neighbours;
    PacketProber packets;
    ProberChain chain({&neighbours, &packets});
    FrameTap::Sink sink;
    if (parts_->captures != nullptr)
        sink = [this](const RoundPlan& plan, const Caught& caught, std::uint64_t began_us) {
            parts_->captures->add(plan, caught, began_us);
        };
    FrameTap prober(chain, std::move(sink), &now_us);
    return parts_->observe(std::move(start), prober);
}

Snapshot Session::read(Snapshot start) {
    NoProber prober;
    return parts_->observe(std::move(start), prober);
}

}  // namespace podroute::cli
