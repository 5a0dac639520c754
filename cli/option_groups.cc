// Options by CLI11.
#include "cli/option_groups.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <CLI/CLI.hpp>
#include <map>

namespace podroute::cli {
namespace {

constexpr auto kProbeGroup = "Probes";

// An option with a closed list of values, by name.
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& value,
                        const std::map<std::string, T>& choices, const std::string& description) {
    std::vector<std::string> names;
    for (const auto& [text, choice] : choices) names.push_back(text);
    return app
        .add_option_function<std::string>(
            name, [&value, choices](const std::string& text) { value = choices.at(text); }, description)
        ->check(CLI::IsMember(names).description(""));
}

}  // namespace

// Of a file that is written: an empty name would be no file, and standard output is the report's for a
// person.
CLI::Validator file_name() {
    return CLI::Validator(
        [](const std::string& name) -> std::string {
            if (name.empty()) return "a file name is wanted";
            if (name == "-") return "a file name is wanted, and '-' is none: standard output has the report";
            return "";
        },
        "");
}

// Of a file that libraries read to its end, which a device like /dev/zero does not have.
CLI::Validator no_device() {
    return CLI::Validator(
        [](const std::string& name) -> std::string {
            struct stat info {};
            if (stat(name.c_str(), &info) != 0 || (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)))
                return "";
            if (info.st_rdev == makedev(1, 3)) return "";  // /dev/null: read as an empty file
            return "'" + name + "' is a device, not a file";
        },
        "");
}

CLI::Option* add_machines(CLI::App& app, std::string& machines) {
    return app
        .add_option("--machines", machines,
                    "The inventory: ADDRESS FQDN NAME [POD_CIDR..] a line; '-' is standard input")
        ->type_name("FILE")
        ->capture_default_str();
}

void add_output(CLI::App& app, OutputOptions& output) {
    constexpr auto group = "Output";
    app.add_option("--json", output.json, "Write the report as JSON (podroute.report/1)")
        ->type_name("FILE")
        ->check(file_name())
        ->group(group);
    app.add_option("--junit", output.junit, "Write the report as JUnit XML")
        ->type_name("FILE")
        ->check(file_name())
        ->group(group);
    static const std::map<std::string, Color> colors{
        {"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}};
    add_choice(app, "--color", output.color, colors,
               "When to use colour: auto (on a terminal, without NO_COLOR), always, never")
        ->type_name("WHEN")
        ->group(group);
    auto* quiet = app.add_flag("-q,--quiet", output.quiet, "The last line only")->group(group);
    app.add_flag("-v,--verbose", output.verbose, "Every check, and what was done on stderr")
        ->group(group)
        ->excludes(quiet);
}

void add_ssh(CLI::App& app, SshSettings& ssh) {
    constexpr auto group = "SSH";
    app.add_option("--user", ssh.user, "User to log in as (default: ssh_config's, else root)")
        ->type_name("NAME")
        ->group(group);
    app.add_option("--port", ssh.port, "Port of sshd (default: ssh_config's, else 22)")
        ->type_name("PORT")
        ->check(CLI::Range(1, 65535).description(""))
        ->group(group);
    app.add_option("--identity", ssh.identities, "Private key; may be given more than once")
        ->type_name("FILE")
        ->check(CLI::ExistingFile.description("") & no_device())
        ->allow_extra_args(false)
        ->group(group);
    app.add_option("--ssh-config", ssh.config, "Instead of ~/.ssh/config")
        ->type_name("FILE")
        ->check(CLI::ExistingFile.description("") & no_device())
        ->group(group);
    app.add_option("--known-hosts", ssh.known_hosts, "Instead of ~/.ssh/known_hosts")
        ->type_name("FILE")
        ->check(no_device())
        ->group(group);
    static const std::map<std::string, bool> host_key{{"strict", false}, {"accept-new", true}};
    add_choice(app, "--host-key-check", ssh.accept_new, host_key,
               "strict (default): unknown hosts are refused; accept-new: they are recorded")
        ->type_name("MODE")
        ->group(group);
    app.add_flag("--sudo", ssh.sudo, "Read the hosts by way of 'sudo -n'")->group(group);
    app.add_option("--connect-timeout", ssh.connect_timeout_s,
                   "Seconds until a host that does not answer is unreachable")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 600).description(""))
        ->capture_default_str()
        ->group(group);
    app.add_option("--jobs", ssh.jobs, "Logins at once")
        ->type_name("N")
        ->check(CLI::Range(1, 1024).description(""))
        ->group(group);
}

void add_routing(CLI::App& app, Policy& policy) {
    static const std::map<std::string, Routing> routings{
        {"auto", Routing::automatic}, {"host", Routing::host}, {"fabric", Routing::fabric}};
    add_choice(app, "--routing", policy.routing, routings,
               "Who routes pod CIDRs: host (each host holds a route), fabric (the network does: no host "
               "routes are asserted), auto")
        ->type_name("MODE");
}

void add_selection(CLI::App& app, Selection& selection, Policy& policy) {
    constexpr auto group = "Selection";
    app.add_option("--only", selection.only, "Judge these hosts only")
        ->type_name("HOST,..")
        ->delimiter(',')
        ->group(group);
    app.add_option("--layer", selection.layers,
                   "Judge these layers only (inventory, access, links, routes, forwarding, icmp, tcp, udp, "
                   "mtu, path)")
        ->type_name("LAYER,..")
        ->delimiter(',')
        ->group(group);
    app.add_option("--skip", selection.skip, "Leave these checks out")
        ->type_name("CHECK,..")
        ->delimiter(',')
        ->group(group);
    static const std::map<std::string, FailOn> fail_on{{"error", FailOn::error},
                                                       {"warning", FailOn::warning}};
    add_choice(app, "--fail-on", policy.fail_on, fail_on,
               "Exit 1 at causes of this severity: error (default) or warning")
        ->type_name("SEVERITY")
        ->group("Output");
}

// Those of every command that sends packets.
void add_probes(CLI::App& app, ProbeOptions& probes, Policy& policy, std::string& pcap) {
    constexpr auto group = kProbeGroup;
    app.add_option("--protocol", probes.protocols,
                   "Probe by these (icmp, tcp, udp; default icmp,tcp), or by none: tables only")
        ->type_name("PROTOCOL,..")
        ->delimiter(',')
        ->check(CLI::IsMember({"icmp", "tcp", "udp", "none"}).description(""))
        ->group(group);
    app.add_option("--count", policy.count, "Probes of a pair and protocol; any loss makes them at least 20")
        ->type_name("N")
        ->check(CLI::Range(1, 100).description(""))
        ->capture_default_str()
        ->group(group);
    app.add_option("--timeout", probes.timeout_s, "The longest that answers are waited for")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.05, 60.0).description(""))
        ->capture_default_str()
        ->group(group);
    app.add_option("--max-loss", probes.max_loss_percent,
                   "More loss than this, with 95 % confidence, is an error, less a warning")
        ->type_name("PERCENT")
        ->check(CLI::Range(0.0, 100.0).description(""))
        ->capture_default_str()
        ->group(group);
    app.add_option("--tcp-port", policy.tcp_port,
                   "Port of TCP probes (default: one that is opened in synthetic pods, sshd's on nodes)")
        ->type_name("PORT")
        ->check(CLI::Range(1, 65535).description(""))
        ->group(group);
    app.add_option("--pcap", pcap, "Write what was caught as a capture file, for tcpdump")
        ->type_name("FILE")
        ->check(file_name())
        ->group(group);
}

// Which pairs, and of which the way.
void add_pairs(CLI::App& app, ProbeOptions& probes, Policy& policy) {
    constexpr auto group = kProbeGroup;
    static const std::map<std::string, Trace> traces{
        {"failed", Trace::failed}, {"all", Trace::all}, {"none", Trace::none}};
    add_choice(app, "--trace", policy.trace, traces,
               "Which pairs are followed over every host's links: failed (default), all, none")
        ->type_name("WHICH")
        ->group(group);
    app.add_option("--pairs", probes.pairs,
                   "Networks that each pod network is probed with: full, auto (full up to 128 networks, then "
                   "few), or a number")
        ->type_name("PAIRS")
        ->capture_default_str()
        ->group(group);
}

// --fix takes a value only as --fix=repair: a word behind it is an argument of its own.
void add_fix(CLI::App& app, std::string& mode, FixOptions& fix) {
    constexpr auto group = "Repair";
    app.add_flag("--fix{add}", mode,
                 "Add missing routes and turn forwarding on, then verify again; --fix=repair also replaces "
                 "what is wrong. Taken back by 'podroute undo REPORT'")
        ->check(CLI::IsMember({"add", "repair", "true", "false"}).description(""))
        ->group(group);
    app.add_flag("--dry-run", fix.dry_run, "With --fix: show what it would do, and change nothing")
        ->group(group);
}

}  // namespace podroute::cli
