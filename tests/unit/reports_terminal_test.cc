// What a person sees: within the width, without escapes where they are not wanted, nothing that is not so.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <stdlib.h>

#include <sstream>

#include "reports/terminal.h"
#include "reports/text.h"
#include "tests/golden/sample_reports.h"
#include "tests/unit/reports_tools.h"

namespace podroute {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

std::string quiet(const Report& report) {
    TerminalOptions options;
    options.quiet = true;
    return render_terminal(report, options);
}

bool is_command(const Report& report, const std::string& line) {
    for (const Diagnosis& diagnosis : report.diagnoses)
        for (const std::string& command : diagnosis.cause.commands)
            if (line.ends_with(sanitize(command, 4096))) return true;
    for (const Fix& fix : report.fixes)
        if (line.ends_with(sanitize(fix.command, 4096))) return true;
    return false;
}

TEST(Terminal, FitsEightyColumnsButForCommands) {
    auto samples = samples::all();
    samples.push_back({"no-routes-100", samples::no_routes(99)});
    for (const auto& sample : samples) {
        for (const std::string& line : lines_of(render_terminal(sample.report, {})))
            EXPECT_TRUE(display_width(line) <= 80 || is_command(sample.report, line))
                << sample.name << ": " << line;
    }
}

TEST(Terminal, PrintsEveryCommandWholeOnALine) {
    const Report report = samples::mixed();
    for (const unsigned width : {40U, 80U}) {
        TerminalOptions options;
        options.width = width;
        const std::string text = render_terminal(report, options);
        for (const Diagnosis& diagnosis : report.diagnoses)
            for (const std::string& command : diagnosis.cause.commands)
                EXPECT_THAT(text, HasSubstr(command + "\n")) << width;
    }
}

// The three hosts of the tutorial: whoever copies all printed commands has mended all of it.
TEST(Terminal, PrintsEveryCommandOfASmallCluster) {
    const Report report = samples::no_routes(5);
    const std::string text = render_terminal(report, {});
    for (const Diagnosis& diagnosis : report.diagnoses)
        EXPECT_THAT(text, HasSubstr(diagnosis.cause.commands[0] + "\n"));
}

TEST(Terminal, HundredHostsWithoutRoutesStayReadable) {
    const auto lines = lines_of(render_terminal(samples::no_routes(99), {}));
    EXPECT_LT(lines.size(), 75U);
    EXPECT_THAT(lines.back(), StartsWith("FAILED   9801 causes explain 9900 of 9900 broken pairs"));
}

TEST(Terminal, ARareCauseIsShownBesideHundredsOfOthers) {
    Report report = samples::no_routes(99);
    Diagnosis rare = samples::mixed().diagnoses[0];
    report.diagnoses.push_back(rare);
    EXPECT_THAT(render_terminal(report, {}), HasSubstr("error[forwarding-disabled]: node-1"));
}

TEST(Terminal, VerboseFoldsNothing) {
    TerminalOptions options;
    options.verbose = true;
    const Report report = samples::no_routes(20);
    const std::string text = render_terminal(report, options);
    for (const Diagnosis& diagnosis : report.diagnoses) {
        EXPECT_THAT(text, HasSubstr("]: " + diagnosis.cause.summary.substr(0, 30)));
        EXPECT_THAT(text, HasSubstr(diagnosis.cause.commands[0] + "\n"));
    }
}

TEST(Terminal, QuietIsTheLastLine) {
    EXPECT_EQ(quiet(samples::failing()),
              "FAILED   1 cause explains 2 of 2 broken pairs   1 of 12 checks fail   0.9 s\n");
    EXPECT_EQ(quiet(samples::passing()), "PASSED   6 of 6 pairs routed both ways   12 checks   0.9 s\n");
    EXPECT_THAT(quiet(samples::inconclusive()),
                StartsWith("INCONCLUSIVE  4 unknown because the login on node-2 was refused"));
    EXPECT_EQ(quiet(samples::aborted()),
              "ABORTED  nothing was judged: the run was ended before it came to a verdict\n");
}

TEST(Terminal, APassCountsThePacketsThatWereAnswered) {
    Report report = samples::passing();
    report.probed.total = 16;
    report.probes_summary = {60, 60, 48};  // a filtered echo, say, is a warning
    EXPECT_THAT(quiet(report), HasSubstr("48 of 60 packets answered"));
}

TEST(Terminal, NamesHostsThatWereNotReached) {
    Report report = samples::inconclusive();
    report.diagnoses[0].cause.code = "host-unreachable";
    EXPECT_THAT(quiet(report), StartsWith("INCONCLUSIVE  4 unknown because node-2 was not reached"));
    report.run.cancelled = true;
    EXPECT_THAT(quiet(report), StartsWith("INCONCLUSIVE  4 unknown because the run was stopped"));
}

// The checks of pairs stand under their sources, which may be well.
TEST(Terminal, CountsTheHostsAtFaultAndNotThoseThatSendToThem) {
    Report report = samples::inconclusive();
    for (const char* source : {"server", "node-0", "node-1"}) {
        CheckResult pair;
        pair.verdict.layer = Layer::icmp;
        pair.verdict.host = source;
        pair.verdict.status = Status::unknown;
        report.checks.push_back(pair);
    }
    report.diagnoses.push_back(report.diagnoses[0]);
    report.diagnoses[1].cause.subject = "10.200.2.0/24";
    EXPECT_THAT(quiet(report), StartsWith("INCONCLUSIVE  4 unknown because the login on node-2 was refused"));
    report.diagnoses[1].cause.host = "node-1";
    EXPECT_THAT(quiet(report), StartsWith("INCONCLUSIVE  4 unknown because 2 hosts could not be read"));
}

TEST(Terminal, WhatNothingExplainsIsNotCalledExplained) {
    Report report = samples::failing();
    report.diagnoses[0].cause.code = "unexplained";
    report.diagnoses[0].cause.remedy.clear();
    report.pairs.explained = 0;
    EXPECT_THAT(quiet(report), StartsWith("FAILED   2 of 2 broken pairs unexplained"));
    EXPECT_THAT(render_terminal(report, {}), HasSubstr("note: 2 of 2 broken pairs stop here"));
    report.diagnoses.push_back(samples::mixed().diagnoses[0]);
    report.pairs = {6, 3, 0, 1};
    EXPECT_THAT(quiet(report), StartsWith("FAILED   1 cause explains 1 of 3 broken pairs, 2 unexplained"));
}

TEST(Terminal, ARefusedLoginIsWhyNothingIsKnown) {
    Report report = samples::inconclusive();
    report.checks_summary.unknown = 0;
    EXPECT_THAT(quiet(report), StartsWith("INCONCLUSIVE  the login on node-2 was refused"));
}

TEST(Terminal, NothingTestedIsNotAPass) {
    Report report;
    report.verdict = RunVerdict::unknown;
    EXPECT_THAT(quiet(report), StartsWith("INCONCLUSIVE  nothing was tested"));
}

TEST(Terminal, ARunThatIsNotWhatWasAskedForSaysSo) {
    Report report = samples::passing();
    report.verdict = RunVerdict::unknown;
    report.error = Error{"capture-not-written", "not written whole", "run.pcapng"};
    EXPECT_THAT(quiet(report), StartsWith("INCONCLUSIVE  not written whole"));
    EXPECT_THAT(render_terminal(report, {}), HasSubstr("error[capture-not-written]: not written whole"));
}

TEST(Terminal, APassSaysWhatWasLeftOutAndWhatIsUnknown) {
    Report report = samples::passing();
    report.checks_summary = {28, 0, 0, 0, 0};
    report.pairs = {6, 2, 0, 0};
    EXPECT_THAT(quiet(report),
                StartsWith("PASSED   28 checks pass, but 2 of 6 pairs are broken by what was left out"));
    const std::string text = render_terminal(report, {});
    EXPECT_THAT(text, Not(HasSubstr("FAIL")));
    EXPECT_THAT(text, HasSubstr("pairs       4/6"));
    EXPECT_THAT(text, HasSubstr("WARN"));
    EXPECT_THAT(text, HasSubstr("2 broken"));
    report.pairs = {6, 0, 0, 0};
    report.checks_summary.unknown = 3;
    EXPECT_THAT(quiet(report), StartsWith("PASSED   6 of 6 pairs routed both ways   28 of 31 checks pass"));
}

TEST(Terminal, OffersTheFixWhereAProgramMayDoIt) {
    const std::string text = render_terminal(samples::failing(), {});
    EXPECT_THAT(text, HasSubstr("help: podroute verify --fix, or by hand:\n           ssh root@node-0 ip"));
    Report repaired = samples::failing();
    repaired.diagnoses[0].cause.automatic = Automatic::repair;
    EXPECT_THAT(render_terminal(repaired, {}), HasSubstr("help: podroute verify --fix=repair, or by hand:"));
    repaired.diagnoses[0].cause.automatic = Automatic::never;
    EXPECT_THAT(render_terminal(repaired, {}), Not(HasSubstr("--fix")));
    TerminalOptions replay;
    replay.command = "replay";
    EXPECT_THAT(render_terminal(samples::failing(), replay), Not(HasSubstr("--fix")));
}

TEST(Terminal, FixesSayWhatWasDoneAndWhy) {
    const std::string text = render_terminal(samples::fixed(), {});
    EXPECT_THAT(text, HasSubstr("fixes    1 applied, 1 reverted\n"));
    EXPECT_THAT(text, HasSubstr("  applied   node-0  ssh root@node-0 ip route add 10.200.1.0/24 via"));
    EXPECT_THAT(text, HasSubstr("\n            a lookup does not show it\n"));
    EXPECT_THAT(text, Not(HasSubstr("dry run")));
}

TEST(Terminal, ADryRunShowsTheDifferenceAndThatNothingWasChanged) {
    const std::string text = render_terminal(samples::planned(), {});
    EXPECT_THAT(text, HasSubstr("\n            + 10.200.1.0/24 via 10.240.0.21 dev eth0 proto 112\n"));
    EXPECT_THAT(text, HasSubstr("dry run  nothing was changed"));
    EXPECT_THAT(text, Not(HasSubstr("or by hand"))) << "the plan is there";
}

TEST(Terminal, AFixRunThatHasNothingToDoSaysSo) {
    TerminalOptions options;
    options.command = "verify --fix";
    EXPECT_THAT(render_terminal(samples::passing(), options), HasSubstr("fixes    none: nothing is missing"));
    EXPECT_THAT(render_terminal(samples::passing(), {}), Not(HasSubstr("fixes")));
}

TEST(Terminal, ManyFixesAreCountedUnlessTheyArePlanned) {
    Report report = samples::fixed();
    report.fixes.assign(100, report.fixes[0]);
    EXPECT_THAT(render_terminal(report, {}), HasSubstr("and 95 more: --verbose prints them"));
    for (Fix& fix : report.fixes) fix.status = FixStatus::planned;
    EXPECT_THAT(render_terminal(report, {}), Not(HasSubstr("more: --verbose prints them")));
}

TEST(Terminal, SaysThatNoPacketsWereSent) {
    for (const auto& sample : samples::all()) {
        const std::string text = render_terminal(sample.report, {});
        EXPECT_EQ(text.find("no packets were sent") == std::string::npos,
                  sample.name == "aborted" || sample.name == "packets")
            << sample.name;
    }
}

TEST(Terminal, AnUnknownThatNoCauseNamesIsShown) {
    EXPECT_THAT(render_terminal(samples::mixed(), {}),
                HasSubstr("unknown[neighbours]: the neighbour table of node-0"));
}

TEST(Terminal, AnUnknownWhoseOwnCauseHasABlockIsNotShownAgain) {
    Report report = samples::mixed();
    Cause cause;
    cause.code = "ssh-auth-failed";
    cause.host = "node-0";
    cause.summary = "node-0 refuses the SSH login";
    CheckResult access;
    access.id = "host-access/node-0";
    access.verdict.check = "host-access";
    access.verdict.host = cause.host;
    access.verdict.status = Status::unknown;
    access.verdict.message = cause.summary;
    report.checks.push_back(access);
    EXPECT_THAT(render_terminal(report, {}), HasSubstr("unknown[host-access]"));

    Diagnosis named;
    named.cause = cause;
    named.affects = {access.id};
    report.diagnoses.push_back(named);
    EXPECT_THAT(render_terminal(report, {}), Not(HasSubstr("unknown[host-access]")));
}

TEST(Terminal, ColorsAreTheFiveAllowed) {
    TerminalOptions options;
    options.color = true;
    std::string text = render_terminal(samples::mixed(), options);
    for (const std::string code : {"\x1b[1m", "\x1b[1;31m", "\x1b[33m", "\x1b[36m", "\x1b[0m"}) {
        EXPECT_THAT(text, HasSubstr(code));
        for (auto at = text.find(code); at != std::string::npos; at = text.find(code))
            text.erase(at, code.size());
    }
    EXPECT_EQ(text, render_terminal(samples::mixed(), {})) << "colour changes nothing else";
}

RC_GTEST_PROP(Terminal, NothingFromAHostMovesTheCursor, ()) {
    const Report report = testing_tools::nasty_report();
    TerminalOptions options;
    options.utf8 = *rc::gen::arbitrary<bool>();
    options.verbose = *rc::gen::arbitrary<bool>();
    options.width = *rc::gen::inRange(1U, 200U);
    std::string text = render_terminal(report, options);
    RC_ASSERT(text.ends_with('\n'));
    std::erase(text, '\n');
    RC_ASSERT(sanitize(text, text.size()) == text);
}

TEST(DetectTerminal, ColorOnlyOnATerminalThatWantsIt) {
    std::map<std::string, std::string> variables{{"TERM", "xterm"}, {"LANG", "en_US.UTF-8"}};
    const Environment environment = [&](const char* name) -> const char* {
        const auto at = variables.find(name);
        return at == variables.end() ? nullptr : at->second.c_str();
    };
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_GE(terminal, 0);
    EXPECT_TRUE(detect_terminal(terminal, environment).color);
    EXPECT_TRUE(detect_terminal(terminal, environment).utf8);
    variables["NO_COLOR"] = "1";
    EXPECT_FALSE(detect_terminal(terminal, environment).color);
    variables.erase("NO_COLOR");
    variables["TERM"] = "dumb";
    EXPECT_FALSE(detect_terminal(terminal, environment).color);
    variables["TERM"] = "xterm";
    variables["LC_ALL"] = "C";
    EXPECT_FALSE(detect_terminal(terminal, environment).utf8) << "LC_ALL goes before LANG";
    close(terminal);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    EXPECT_FALSE(detect_terminal(ends[1], environment).color) << "piped";
    EXPECT_EQ(detect_terminal(ends[1], environment).width, 80U);
    close(ends[0]);
    close(ends[1]);
}

}  // namespace
}  // namespace podroute
