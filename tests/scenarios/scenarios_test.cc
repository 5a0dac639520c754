// Judges every scenario with all checks.
#include <gtest/gtest.h>

#include <algorithm>

#include "checks/registry.h"
#include "engine/judge.h"
#include "tests/scenarios/scenario.h"

namespace podroute::testing {
namespace {

class Scenarios : public ::testing::TestWithParam<std::string> {};

std::string verdicts_of(const Report& report) {
    std::string text;
    for (const CheckResult& check : report.checks)
        if (check.verdict.status != Status::pass)
            text += check.id + ": " + std::string(to_string(check.verdict.status)) + ", " +
                    check.verdict.message + " [" + check.verdict.blocked_by + "]\n";
    for (const PathReport& path : report.paths)
        text += path.source + " → " + path.destination + " " + path.leg + ": " + path.reason + "\n";
    return text;
}

TEST_P(Scenarios, GivesTheWantedCauses) {
    const auto scenario = load_scenario(GetParam());
    ASSERT_TRUE(scenario) << scenario.error().where << ": " << scenario.error().text;
    const Report report = judge(scenario->snapshot, all_checks());
    EXPECT_EQ(difference(*scenario, report), "") << verdicts_of(report);
}

// What the tables break must follow from a cause that was named, and every cause says in words what it is.
TEST_P(Scenarios, ExplainsEveryPairThatItsTablesBreak) {
    const auto scenario = load_scenario(GetParam());
    ASSERT_TRUE(scenario) << scenario.error().where << ": " << scenario.error().text;
    const Report report = judge(scenario->snapshot, all_checks());
    // With --only the cause may be on a host that was not asked about.
    if (scenario->snapshot.policy.only.empty()) {
        EXPECT_EQ(report.pairs.broken, report.pairs.explained) << verdicts_of(report);
    }
    // A failed probe stands under a cause, and under `unexplained` only where that is what is wanted.
    const bool some_open = std::any_of(scenario->causes.begin(), scenario->causes.end(),
                                       [](const WantedCause& cause) { return cause.code == "unexplained"; });
    if (scenario->snapshot.policy.only.empty() && !some_open) {
        EXPECT_EQ(report.probed.broken, report.probed.explained) << verdicts_of(report);
    }
    for (const Diagnosis& diagnosis : report.diagnoses) EXPECT_FALSE(diagnosis.cause.summary.empty());
}

// A policy is evidence of what meets its chain.
TEST(Evidence, OfARefusalToSendIsThePolicyOfOutput) {
    auto scenario = load_scenario("packets-filter-of-what-a-host-sends");
    ASSERT_TRUE(scenario);
    scenario->snapshot.hosts.at("server")->firewall->chains = {
        {"ip filter", "INPUT", "filter hook input", true, 0},
        {"ip filter", "OUTPUT", "filter hook output", true, 0}};
    const Report report = judge(scenario->snapshot, all_checks());
    ASSERT_EQ(report.diagnoses.size(), 1U);
    EXPECT_EQ(report.diagnoses[0].cause.evidence.front(), "policy of chain OUTPUT, table ip filter: drop");
    EXPECT_EQ(report.diagnoses[0].cause.evidence[1].find("policy"), std::string::npos);
}

// What a node does not answer may be lost on its way in or out: the tables tell, else it is the request.
TEST(Evidence, OfANodeThatDoesNotAnswerTheTablesTellTheLeg) {
    for (const auto& [name, leg] : {std::pair{"packets-input-drop", ProbeLeg::request},
                                    std::pair{"packets-no-way-back-from-the-server", ProbeLeg::reply}}) {
        const auto scenario = load_scenario(name);
        ASSERT_TRUE(scenario);
        const Report report = judge(scenario->snapshot, all_checks());
        std::size_t stopped = 0;
        for (const ProbeReport& probe : report.probes) {
            if (!probe.stopped_at || probe.source.vantage != Vantage::pod) continue;
            EXPECT_EQ(*probe.stopped_at, (StoppedAt{"server", "eth0", leg})) << name;
            ++stopped;
        }
        EXPECT_GT(stopped, 0U) << name;
    }
}

// Rules are looked at first where a host that has some loses a part, and every loss says where it was.
TEST(Evidence, OfAPartThatAHostWithRulesLosesIsItsPlace) {
    const auto scenario = load_scenario("packets-part-lost-beside-rules");
    ASSERT_TRUE(scenario);
    const Report report = judge(scenario->snapshot, all_checks());
    ASSERT_EQ(report.diagnoses.size(), 1U);
    const Cause& cause = report.diagnoses[0].cause;
    EXPECT_EQ(cause.commands, (std::vector<std::string>{"ssh root@node-0 nft list ruleset",
                                                        "ssh root@node-0 iptables-save -c",
                                                        "ssh root@node-0 ip -s link show"}));
    for (const std::string& line : cause.evidence)
        if (line.find("lost:") != std::string::npos) {
            EXPECT_NE(line.find("last seen at"), std::string::npos) << line;
        }
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
    std::string name = info.param;
    for (char& c : name)
        if (c == '-') c = '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(Files, Scenarios, ::testing::ValuesIn(scenario_names()), test_name);

}  // namespace
}  // namespace podroute::testing
