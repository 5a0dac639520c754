// The command line, by CLI11.
#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/collisions.h"
#include "cli/help_texts.h"
#include "cli/option_groups.h"
#include "cli/version.h"
#include "reports/text.h"

namespace podroute::cli {
namespace {

constexpr int kBadUsage = 2;

void demand(const Result<void>& good) {
    if (!good) throw CLI::ValidationError(good.error().where, good.error().text);
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
    app.set_config("--config", "", "Read options from this TOML file")->type_name("FILE")->check(no_device());
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
        const auto* option = app.get_config_ptr();
        return option->count() > 0 ? option->results().back() : std::string();
    };
    try {
        app.parse(argc, argv);
        demand(resolve(selection, verify.policy));
        demand(resolve_fix(fix_mode, verify.fix));
        resolve_undo(*undo_app, undo);
        demand(resolve(probes, verify.policy));
        demand(resolve(trace_probes, trace.verify.policy));
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
