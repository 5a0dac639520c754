// The command line, by CLI11.
#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <iostream>
#include <map>

#include "checks/registry.h"
#include "cli/collisions.h"
#include "cli/help_texts.h"
#include "cli/version.h"
#include "model/verdict.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

constexpr int kBadUsage = 2;

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
        ->check(CLI::ExistingFile.description(""))
        ->allow_extra_args(false)
        ->group(group);
    app.add_option("--ssh-config", ssh.config, "Instead of ~/.ssh/config")
        ->type_name("FILE")
        ->check(CLI::ExistingFile.description(""))
        ->group(group);
    app.add_option("--known-hosts", ssh.known_hosts, "Instead of ~/.ssh/known_hosts")
        ->type_name("FILE")
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

struct Selection {
    std::vector<std::string> only, layers, skip;
};

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

// What of Policy is not written as it is held.
struct ProbeOptions {
    std::vector<std::string> protocols;
    double timeout_s = 1, max_loss_percent = 1;
    std::string pairs = "auto";
};

constexpr auto kProbeGroup = "Probes";

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

void resolve(const ProbeOptions& probes, Policy& policy) {
    static const std::map<std::string, Protocol> protocols{
        {"icmp", Protocol::icmp}, {"tcp", Protocol::tcp}, {"udp", Protocol::udp}};
    if (!probes.protocols.empty()) policy.protocols.clear();
    for (const auto& name : probes.protocols) {
        if (name != "none")
            policy.protocols.insert(protocols.at(name));
        else if (probes.protocols.size() > 1)
            throw CLI::ValidationError("--protocol", "none goes with no other");
    }
    // What is no number at all is within every range.
    if (!std::isfinite(probes.timeout_s))
        throw CLI::ValidationError("--timeout", "a number of seconds is wanted");
    if (!std::isfinite(probes.max_loss_percent))
        throw CLI::ValidationError("--max-loss", "a percentage is wanted");
    policy.timeout_ms = static_cast<std::uint32_t>(std::lround(probes.timeout_s * 1000));
    policy.max_loss_ppm = static_cast<std::uint32_t>(std::lround(probes.max_loss_percent * 10'000));
    if (probes.pairs == "auto") return;
    policy.pairs_per_cidr = kPairsFull;
    if (probes.pairs == "full") return;
    const char* end = probes.pairs.data() + probes.pairs.size();
    const auto parsed = std::from_chars(probes.pairs.data(), end, policy.pairs_per_cidr);
    if (parsed.ec != std::errc() || parsed.ptr != end || policy.pairs_per_cidr == 0)
        throw CLI::ValidationError(
            "--pairs", fmt::format("'{}' is neither full, auto nor a number from 1 on", probes.pairs));
}

// Layers and checks by name; the first that is none is an error which lists what there is.
void resolve(const Selection& selection, Policy& policy) {
    policy.only.insert(selection.only.begin(), selection.only.end());
    for (const auto& name : selection.layers) {
        const auto layer = parse_layer(name);
        if (!layer) throw CLI::ValidationError("--layer", layer.error().text);
        bool has_checks = false;
        for (const auto& check : all_checks()) has_checks |= check.layer == *layer;
        if (!has_checks)
            throw CLI::ValidationError("--layer",
                                       fmt::format("this release has no checks in the layer '{}'", name));
        policy.layers.insert(*layer);
    }
    for (const auto& name : selection.skip) {
        std::string all;
        bool known = false;
        for (const auto& check : all_checks()) {
            known |= check.code == name;
            all.append(all.empty() ? "" : ", ").append(check.code);
        }
        if (!known)
            throw CLI::ValidationError("--skip",
                                       fmt::format("'{}' is no check; the checks are {}", name, all));
        policy.skip.insert(name);
    }
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

void resolve_fix(const std::string& mode, FixOptions& fix) {
    fix.mode = mode == "repair"                  ? FixMode::repair
               : mode == "add" || mode == "true" ? FixMode::add
                                                 : FixMode::none;
    if (fix.dry_run && fix.mode == FixMode::none)
        throw CLI::ValidationError("--dry-run", "it goes with --fix or --fix=repair");
}

void resolve_undo(const CLI::App& app, const Undo& undo) {
    if (!app.parsed()) return;
    if (undo.all == !undo.report.empty()) throw CLI::ValidationError("undo", "name a REPORT, or say --all");
    if (undo.yes && !undo.all) throw CLI::ValidationError("--yes", "it goes with --all");
}

// What CLI11 has no good words for.
int complain(const CLI::App& app, const CLI::ParseError& error, const std::string& config_file) {
    const auto words = app.remaining();
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && app.get_subcommands().empty() &&
        !words.empty()) {
        std::string names;
        for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
            names += (names.empty() ? "" : ", ") + command->get_name();
        fmt::print(stderr, "podroute: '{}' is no command; the commands are {}\n", sanitize(words.front()),
                   names);
        return kBadUsage;
    }
    if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr) {
        constexpr std::string_view kUnknown = "INI was not able to parse ";
        std::string text = error.what();
        if (text.starts_with(kUnknown)) text = "there is no option " + text.substr(kUnknown.size());
        fmt::print(stderr, "podroute: {}: {}\n", sanitize(config_file), sanitize(text));
        return kBadUsage;
    }
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kBadUsage;
}

}  // namespace

std::variant<Command, int> parse_command_line(int argc, const char* const* argv) {
    CLI::App app{
        "Verifies and explains the host routes that connect the pod networks of a Kubernetes cluster.",
        "podroute"};
    app.get_formatter()->column_width(28);
    app.require_subcommand(1);
    app.fallthrough();
    app.set_version_flag("--version", std::string("podroute ") + kVersion);
    app.set_config("--config", "", "Read options from this TOML file")->type_name("FILE");
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.footer(kMainFooter);

    Verify verify;
    Selection selection;
    auto* verify_app = app.add_subcommand("verify", "Verify a cluster over SSH and name what is wrong")
                           ->footer(kVerifyFooter);
    add_machines(*verify_app, verify.machines);
    add_routing(*verify_app, verify.policy);
    add_selection(*verify_app, selection, verify.policy);
    ProbeOptions probes;
    add_probes(*verify_app, probes, verify.policy, verify.pcap);
    add_pairs(*verify_app, probes, verify.policy);
    add_ssh(*verify_app, verify.ssh);
    add_output(*verify_app, verify.output);
    verify_app->add_option("--snapshot", verify.snapshot, "Record what was seen, for 'podroute replay'")
        ->type_name("FILE")
        ->check(file_name())
        ->group("Output");

    std::string fix_mode;
    add_fix(*verify_app, fix_mode, verify.fix);

    Plan plan;
    auto* plan_app =
        app.add_subcommand(
               "plan",
               "Print the pod routes each host should hold, and the commands that add them; no network")
            ->footer(kPlanFooter);
    add_machines(*plan_app, plan.machines);

    Replay replay;
    auto* replay_app =
        app.add_subcommand("replay", "Judge a recorded snapshot again; no network")->footer(kReplayFooter);
    replay_app->add_option("SNAPSHOT", replay.snapshot, "A file that verify --snapshot wrote")->required();
    add_output(*replay_app, replay.output);

    Undo undo;
    auto* undo_app =
        app.add_subcommand("undo", "Take back what the --fix of a report changed")->footer(kUndoFooter);
    auto* report_option =
        undo_app->add_option("REPORT", undo.report, "The JSON report of a verify --fix")->type_name("FILE");
    undo_app
        ->add_flag("--all", undo.all,
                   "Instead: every route of podroute's protocol number (112) to a pod network of the "
                   "inventory; lists them, and needs --yes")
        ->excludes(report_option);
    undo_app->add_flag("--yes", undo.yes, "With --all: do it");
    auto* undo_machines = add_machines(*undo_app, undo.machines);
    undo_machines->description("The inventory (default: the report's; with --all machines.txt)");
    add_ssh(*undo_app, undo.ssh);
    add_output(*undo_app, undo.output);

    TracePair trace;
    auto* trace_app =
        app.add_subcommand("trace", "Draw the way of one pair's packets, there and back, hop by hop")
            ->footer(kTraceFooter);
    trace_app->add_option("SRC", trace.source, "Where the packets start")->required();
    trace_app->add_option("DST", trace.destination, "Where they are to go")->required();
    add_machines(*trace_app, trace.verify.machines);
    add_routing(*trace_app, trace.verify.policy);
    ProbeOptions trace_probes;
    add_probes(*trace_app, trace_probes, trace.verify.policy, trace.verify.pcap);
    add_ssh(*trace_app, trace.verify.ssh);
    add_output(*trace_app, trace.verify.output);

    Explain explain;
    auto* explain_app =
        app.add_subcommand("explain", "What a code means, how it is told apart, how to mend it")
            ->footer(kExplainFooter);
    explain_app->add_option("CODE|MESSAGE", explain.words,
                            "A check or cause code, or an error message; nothing lists all codes");

    const auto config_file = [&] {
        return app.get_config_ptr()->count() > 0 ? app.get_config_ptr()->as<std::string>() : std::string();
    };
    try {
        app.parse(argc, argv);
        resolve(selection, verify.policy);
        resolve_fix(fix_mode, verify.fix);
        resolve_undo(*undo_app, undo);
        resolve(probes, verify.policy);
        resolve(trace_probes, trace.verify.policy);
    } catch (const CLI::ParseError& e) {
        return complain(app, e, config_file());
    }
    undo.machines_given = undo_machines->count() > 0;
    Command command = verify_app->parsed()   ? Command{std::move(verify)}
                      : plan_app->parsed()   ? Command{std::move(plan)}
                      : undo_app->parsed()   ? Command{std::move(undo)}
                      : replay_app->parsed() ? Command{std::move(replay)}
                      : trace_app->parsed()  ? Command{std::move(trace)}
                                             : Command{std::move(explain)};
    if (const auto twice = collision(command, config_file())) {
        fmt::print(stderr, "podroute: {}\n", *twice);
        return kBadUsage;
    }
    return command;
}

}  // namespace podroute::cli
