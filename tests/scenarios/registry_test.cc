// Demands of every check: a code of its own, a page, a scenario in which it passes and one in which it does
// not, and that the latter fails without it.
#include "checks/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "checks/catalogue.h"
#include "engine/judge.h"
#include "tests/scenarios/scenario.h"

namespace podroute::testing {
namespace {

std::vector<Scenario> all_scenarios() {
    std::vector<Scenario> scenarios;
    for (const std::string& name : scenario_names()) {
        auto scenario = load_scenario(name);
        EXPECT_TRUE(scenario) << name;
        if (scenario) scenarios.push_back(std::move(*scenario));
    }
    return scenarios;
}

bool shows(const Scenario& scenario, std::string_view code) {
    return std::find(scenario.checks.begin(), scenario.checks.end(), code) != scenario.checks.end();
}

// The check put a cause forward here.
bool alarms(const Report& report, std::string_view code) {
    return std::any_of(report.diagnoses.begin(), report.diagnoses.end(), [&](const Diagnosis& diagnosis) {
        return std::any_of(diagnosis.affects.begin(), diagnosis.affects.end(),
                           [&](const std::string& id) { return id.starts_with(std::string(code) + "/"); });
    });
}

bool passes(const Report& report, std::string_view code) {
    bool some = false;
    for (const CheckResult& result : report.checks) {
        if (result.verdict.check != code) continue;
        if (result.verdict.status != Status::pass) return false;
        some = true;
    }
    return some;
}

TEST(Registry, EveryCheckHasACodeOfItsOwnAndAPage) {
    std::set<std::string_view> codes;
    for (const Check& check : all_checks()) {
        EXPECT_TRUE(codes.insert(check.code).second) << check.code;
        EXPECT_TRUE(explain_page(check.code)) << check.code;
    }
    for (const CatalogueEntry& entry : catalogue())
        EXPECT_EQ(entry.kind == CodeKind::check, codes.contains(entry.code)) << entry.code;
}

TEST(Registry, EveryCheckPassesInOneScenarioAndFailsInAnother) {
    const auto scenarios = all_scenarios();
    for (const Check& check : all_checks()) {
        bool pass = false, fail = false;
        for (const Scenario& scenario : scenarios) {
            if (!shows(scenario, check.code)) continue;
            const Report report = judge(scenario.snapshot, all_checks());
            pass = pass || passes(report, check.code);
            fail = fail || alarms(report, check.code);
        }
        EXPECT_TRUE(pass) << check.code << " passes in no scenario that names it";
        EXPECT_TRUE(fail) << check.code << " fails in no scenario that names it";
    }
}

TEST(Registry, EveryScenarioNamesChecksThatExist) {
    for (const Scenario& scenario : all_scenarios()) {
        EXPECT_FALSE(scenario.checks.empty()) << scenario.name;
        for (const std::string& code : scenario.checks)
            EXPECT_TRUE(std::any_of(all_checks().begin(), all_checks().end(),
                                    [&](const Check& check) { return check.code == code; }))
                << scenario.name << ": " << code;
    }
}

// A mutation: without the check, one of its scenarios has to fail.
TEST(Registry, EveryCheckIsMissedWhenItIsTakenOut) {
    const auto scenarios = all_scenarios();
    for (const Check& removed : all_checks()) {
        std::vector<Check> rest;
        for (const Check& check : all_checks())
            if (check.code != removed.code) rest.push_back(check);
        const bool missed = std::any_of(scenarios.begin(), scenarios.end(), [&](const Scenario& scenario) {
            return shows(scenario, removed.code) &&
                   !difference(scenario, judge(scenario.snapshot, rest)).empty();
        });
        EXPECT_TRUE(missed) << "without " << removed.code << " all scenarios still give what they want";
    }
}

TEST(Registry, EveryCauseOfAScenarioHasAPage) {
    for (const Scenario& scenario : all_scenarios())
        for (const WantedCause& cause : scenario.causes) EXPECT_TRUE(explain_page(cause.code)) << cause.code;
}

}  // namespace
}  // namespace podroute::testing
