// Fixes read back from a report, and reports that are none.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/json.h"
#include "reports/read_json.h"
#include "tests/golden/sample_reports.h"

namespace podroute {
namespace {

using nlohmann::json;

TEST(ReadFixes, ReadsBackWhatWasWritten) {
    const Report report = samples::fixed();
    const auto found = read_fixes(render_json(report));
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_EQ(found->run, report.run.id);
    ASSERT_EQ(found->inventory.hosts.size(), report.inventory.hosts.size());
    EXPECT_EQ(found->inventory.hosts[1].pod_cidrs, report.inventory.hosts[1].pod_cidrs);
    ASSERT_EQ(found->fixes.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(found->fixes[i].change, report.fixes[i].change);
        EXPECT_EQ(found->fixes[i].status, report.fixes[i].status);
        EXPECT_EQ(found->fixes[i].id, report.fixes[i].id);
        EXPECT_EQ(found->fixes[i].command, report.fixes[i].command);
    }
}

// A run that was killed may have made every change that it announced; one that ended has said which.
TEST(ReadFixes, WhatAKilledRunHadPlannedMayHaveBeenApplied) {
    Report report = samples::fixed();
    for (Fix& fix : report.fixes) fix.status = FixStatus::planned;
    report.fixes.back().status = FixStatus::refused;
    report.verdict = RunVerdict::fail;
    EXPECT_EQ(read_fixes(render_json(report))->fixes.front().status, FixStatus::planned) << "a dry run";
    report.verdict = RunVerdict::aborted;
    const auto killed = read_fixes(render_json(report));
    EXPECT_EQ(killed->fixes.front().status, FixStatus::applied);
    EXPECT_NE(killed->fixes.front().reason.find("a later run may have"), std::string::npos) << "nobody knows";
    EXPECT_EQ(killed->fixes.back().status, FixStatus::refused);
}

TEST(ReadFixes, RefusesWhatIsNoReport) {
    const json good = json::parse(render_json(samples::fixed()));
    const std::vector<std::pair<std::string, json>> patches{
        {"no podroute.report/1", {{"op", "replace"}, {"path", "/schema"}, {"value", "podroute.report/2"}}},
        {"'fixes' is missing", {{"op", "remove"}, {"path", "/fixes"}}},
        {"'fixes' is no list", {{"op", "replace"}, {"path", "/fixes"}, {"value", 1}}},
        {"fixes[0]: 'node-9' is no host",
         {{"op", "replace"}, {"path", "/fixes/0/host"}, {"value", "node-9"}}},
        {"fixes[1]:", {{"op", "replace"}, {"path", "/fixes/1/status"}, {"value", "done"}}},
        {"fixes[0]:", {{"op", "replace"}, {"path", "/fixes/0/change/object"}, {"value", {{"disk", 1}}}}},
        {"inventory:",
         {{"op", "replace"}, {"path", "/inventory/hosts/1/name"}, {"value", "-oProxyCommand=x"}}},
        {"inventory:", {{"op", "replace"}, {"path", "/inventory/hosts"}, {"value", json::array()}}}};
    for (const auto& [why, patch] : patches) {
        const auto found = read_fixes(good.patch(json::array({patch})).dump());
        ASSERT_FALSE(found) << why;
        EXPECT_EQ(found.error().code, "bad-report");
        EXPECT_NE(found.error().text.find(why), std::string::npos) << found.error().text;
    }
    for (const char* bytes : {"", "[]", "{}", "null", "{\"schema\":1}"})
        EXPECT_FALSE(read_fixes(bytes)) << bytes;
    EXPECT_FALSE(read_fixes(std::string(1000, '[')));
}

// Whatever a byte is turned into, it is an error or a report.
RC_GTEST_PROP(ReadFixes, SurvivesAnyByte, ()) {
    std::string bytes = render_json(samples::fixed());
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = *rc::gen::arbitrary<char>();
    const auto found = read_fixes(bytes);
    if (!found) RC_ASSERT(!found.error().text.empty());
}

}  // namespace
}  // namespace podroute
