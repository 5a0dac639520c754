// What the three reports look like, held by files in expected/. PODROUTE_UPDATE_GOLDEN=1 rewrites them: read
// the difference before committing it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "reports/json.h"
#include "reports/junit.h"
#include "reports/terminal.h"
#include "reports/text.h"
#include "reports/trace.h"
#include "tests/golden/sample_reports.h"

namespace podroute {
namespace {

void expect_golden(const std::string& file, const std::string& found) {
    const std::string path = std::string(PODROUTE_GOLDEN_DIR) + "/" + file;
    const char* update = std::getenv("PODROUTE_UPDATE_GOLDEN");
    if (update != nullptr && std::string(update) == "1") {
        std::ofstream(path, std::ios::binary) << found;
        return;
    }
    std::ifstream in(path, std::ios::binary);
    ASSERT_TRUE(in) << path << " is missing; PODROUTE_UPDATE_GOLDEN=1 writes it";
    std::stringstream wanted;
    wanted << in.rdbuf();
    EXPECT_EQ(found, wanted.str()) << "if this is what it should be, run with PODROUTE_UPDATE_GOLDEN=1";
}

class Golden : public testing::TestWithParam<samples::Sample> {};

TEST_P(Golden, Terminal) {
    expect_golden(GetParam().name + ".txt", render_terminal(GetParam().report, {}));
}
TEST_P(Golden, Json) {
    expect_golden(GetParam().name + ".json", render_json(GetParam().report));
}
TEST_P(Golden, Junit) {
    expect_golden(GetParam().name + ".xml", render_junit(GetParam().report));
}

std::string name_of(const testing::TestParamInfo<samples::Sample>& info) {
    std::string name = info.param.name;
    for (char& c : name)
        if (c == '-') c = '_';
    return name;
}
INSTANTIATE_TEST_SUITE_P(Reports, Golden, testing::ValuesIn(samples::all()), name_of);

// Every line fits the terminal.
void expect_narrow(const std::string& text, std::size_t columns) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), columns) << line;
}

TerminalOptions of_trace() {
    TerminalOptions options;
    options.command = "trace";
    return options;
}

TEST(GoldenTrace, WhereARequestStops) {
    const Report report = samples::packets();
    const auto& probe = report.probes.front();
    const std::string text = render_trace(report, probe.source, probe.destination, of_trace());
    expect_narrow(text, 80);
    expect_golden("trace-request.txt", text);
}
TEST(GoldenTrace, WhereAReplyStops) {
    const Report report = samples::packets();
    const auto& probe = report.probes.at(1);
    TerminalOptions options = of_trace();
    options.utf8 = false;
    const std::string text = render_trace(report, probe.source, probe.destination, options);
    expect_narrow(text, 80);
    expect_golden("trace-reply.txt", text);
}
TEST(GoldenTrace, ByTheTables) {
    const Report report = samples::failing();
    const Endpoint from{"node-0", Vantage::pod, Address::parse("10.200.0.2").value()};
    const Endpoint to{"node-1", Vantage::pod, Address::parse("10.200.1.2").value()};
    expect_golden("trace-tables.txt", render_trace(report, from, to, of_trace()));
}
TEST(GoldenTrace, SaysWhereAWayIsNotTheExpectedOne) {
    Report report = samples::packets();
    const auto& probe = report.probes.at(1);
    report.paths.at(1).hops = {"node-1", "node-2", "node-0"};
    EXPECT_NE(render_trace(report, probe.source, probe.destination, of_trace())
                  .find("  → arrives, by way of node-2\n"),
              std::string::npos);
}
TEST(GoldenTrace, SaysWhichAddressStandsForTheOneThatWasAskedFor) {
    const Report report = samples::packets();
    const auto& probe = report.probes.front();
    const std::string text =
        render_trace(report, probe.source, probe.destination, of_trace(),
                     {"10.200.1.203 stands for 10.200.1.7: another\x1b[2J answers for it"});
    expect_narrow(text, 80);
    const auto at = text.find("\n                      10.200.1.203 stands for 10.200.1.7: another");
    EXPECT_NE(at, std::string::npos) << text;
    EXPECT_LT(at, text.find("\n\n")) << "below the addresses";
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}
// A packet that could not be sent has no address that anybody had.
TEST(GoldenTrace, WithoutPacketsNothingIsCounted) {
    Report report = samples::packets();
    report.paths.clear();
    for (ProbeReport& probe : report.probes) probe.sent = probe.arrived = probe.answered = 0;
    const auto& probe = report.probes.front();
    EXPECT_EQ(render_trace(report, probe.source, probe.destination, of_trace()),
              "podroute trace        pod node-0 → pod node-1\n\n  no packets were sent\n\n");
}
TEST(GoldenTrace, HostileNamesStayOnTheirLine) {
    Report report = samples::packets();
    for (PathReport& path : report.paths)
        for (PathStep& step : path.steps) step.interface = "\x1b[2Jeth0\n" + std::string(300, 'x');
    const auto& probe = report.probes.front();
    const std::string text = render_trace(report, probe.source, probe.destination, {});
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    expect_narrow(text, 80);
}

TEST(GoldenTerminal, Color) {
    TerminalOptions options;
    options.color = true;
    expect_golden("mixed.color.txt", render_terminal(samples::mixed(), options));
}
TEST(GoldenTerminal, Ascii) {
    TerminalOptions options;
    options.utf8 = false;
    expect_golden("failing.ascii.txt", render_terminal(samples::failing(), options));
}
TEST(GoldenTerminal, Verbose) {
    TerminalOptions options;
    options.verbose = true;
    expect_golden("mixed.verbose.txt", render_terminal(samples::mixed(), options));
}
TEST(GoldenTerminal, HundredHostsWithoutRoutes) {
    expect_golden("no-routes-100.txt", render_terminal(samples::no_routes(99), {}));
}

}  // namespace
}  // namespace podroute
