// JUnit as its consumers need it, and well-formed whatever hosts say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <pugixml.hpp>
#include <set>

#include "reports/junit.h"
#include "tests/golden/sample_reports.h"
#include "tests/unit/reports_tools.h"

namespace podroute {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

pugi::xml_document parse(const std::string& text) {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_buffer(text.data(), text.size()));
    return document;
}

std::vector<pugi::xml_node> cases_in(const pugi::xml_document& document) {
    std::vector<pugi::xml_node> cases;
    for (const pugi::xml_node suite : document.child("testsuites").children("testsuite"))
        for (const pugi::xml_node node : suite.children("testcase")) cases.push_back(node);
    return cases;
}

pugi::xml_node case_named(const pugi::xml_document& document, const std::string& name) {
    for (const pugi::xml_node node : cases_in(document))
        if (name == node.attribute("name").value()) return node;
    return {};
}

std::size_t count(const pugi::xml_document& document, const char* element) {
    std::size_t n = 0;
    for (const pugi::xml_node node : cases_in(document)) n += node.child(element) ? 1U : 0U;
    return n;
}

TEST(Junit, FailureNamesTheCauseAndHoldsTheEvidence) {
    const auto document = parse(render_junit(samples::failing()));
    const auto node = case_named(document, "route-present/node-0/10.200.1.0/24");
    EXPECT_STREQ(node.attribute("classname").value(), "podroute.routes.node-0");
    const auto failure = node.child("failure");
    EXPECT_STREQ(failure.attribute("type").value(), "route-missing");
    EXPECT_STREQ(failure.attribute("message").value(), "no route to 10.200.1.0/24");
    EXPECT_THAT(failure.text().get(), HasSubstr("reply stops at node-0"));
    EXPECT_THAT(failure.text().get(), HasSubstr("ip route add 10.200.1.0/24 via 10.240.0.21"));
}

TEST(Junit, WhatCouldNotBeTestedIsAnErrorAndNoFailure) {
    const auto document = parse(render_junit(samples::inconclusive()));
    EXPECT_EQ(count(document, "failure"), 0U) << "a refused login says nothing of the network";
    EXPECT_EQ(count(document, "error"), 5U);
    EXPECT_STREQ(case_named(document, "uplink-up/node-2/eth0").child("error").attribute("type").value(),
                 "ssh-auth-failed");
}

TEST(Junit, AnUnreachableHostIsAFailure) {
    const auto document = parse(render_junit(samples::mixed()));
    EXPECT_TRUE(case_named(document, "host-access/node-2/10.240.0.22").child("failure"));
    EXPECT_TRUE(case_named(document, "reverse-path/server/eth0").child("skipped"));
    EXPECT_THAT(case_named(document, "firewall-kind/node-0/iptables").child("system-out").text().get(),
                HasSubstr("firewall-mixed"));
}

TEST(Junit, TheRunIsAlwaysThereAndRedWhenAborted) {
    for (const auto& sample : samples::all()) {
        const auto document = parse(render_junit(sample.report));
        const auto run = case_named(document, "run");
        ASSERT_TRUE(run) << sample.name;
        EXPECT_EQ(static_cast<bool>(run.child("error")), sample.name == "aborted") << sample.name;
    }
}

TEST(Junit, ARunThatWasCancelledSaysSo) {
    for (Report report : {samples::failing(), samples::passing()}) {
        report.run.cancelled = true;
        if (report.verdict == RunVerdict::pass) report.verdict = RunVerdict::unknown;
        const auto document = parse(render_junit(report));
        const auto error = case_named(document, "run").child("error");
        EXPECT_STREQ(error.attribute("type").value(), "cancelled");
        EXPECT_STREQ(error.attribute("message").value(),
                     "the run was cancelled by a signal before everything was looked at");
    }
}

TEST(Junit, ARunThatIsNotWhatWasAskedForSaysSo) {
    for (Report report : {samples::failing(), samples::passing()}) {
        report.error = Error{"capture-not-written", "not written whole", "run.pcapng"};
        const auto document = parse(render_junit(report));
        const auto error = case_named(document, "run").child("error");
        EXPECT_STREQ(error.attribute("type").value(), "capture-not-written");
        EXPECT_STREQ(error.attribute("message").value(), "not written whole");
    }
}

// A consumer that looks at nothing but failures and errors must come to the verdict of the report.
TEST(Junit, IsRedWheneverTheVerdictIs) {
    auto samples = samples::all();
    Report warnings = samples::passing();
    warnings.verdict = RunVerdict::fail;  // --fail-on warning
    warnings.diagnoses.push_back(samples::mixed().diagnoses[2]);
    samples.push_back({"fail-on warning", warnings});
    Report nothing;
    nothing.verdict = RunVerdict::unknown;
    samples.push_back({"nothing tested", nothing});
    Report unexplained = samples::passing();
    unexplained.verdict = RunVerdict::fail;
    unexplained.diagnoses.push_back(samples::failing().diagnoses[0]);
    unexplained.diagnoses[0].affects.clear();
    samples.push_back({"a cause without a check", unexplained});
    Report unread_detail = samples::passing();
    unread_detail.checks[4].verdict.status = Status::unknown;  // of a check that can only warn
    samples.push_back({"unknown in a pass", unread_detail});
    for (const auto& sample : samples) {
        const auto document = parse(render_junit(sample.report));
        const bool red = count(document, "failure") + count(document, "error") > 0;
        EXPECT_EQ(red, sample.report.verdict != RunVerdict::pass) << sample.name;
        EXPECT_EQ(count(document, "failure") > 0, sample.report.verdict == RunVerdict::fail) << sample.name;
    }
}

TEST(Junit, CountsAreThoseOfTheCases) {
    const auto document = parse(render_junit(samples::mixed()));
    const auto root = document.child("testsuites");
    EXPECT_EQ(root.attribute("tests").as_uint(), cases_in(document).size());
    EXPECT_EQ(root.attribute("failures").as_uint(), count(document, "failure"));
    EXPECT_EQ(root.attribute("errors").as_uint(), count(document, "error"));
    EXPECT_EQ(root.attribute("skipped").as_uint(), count(document, "skipped"));
    EXPECT_STREQ(root.attribute("time").value(), "10.340");
    for (const pugi::xml_node suite : root.children("testsuite")) {
        EXPECT_STREQ(suite.attribute("timestamp").value(), "2026-03-01T09:30:00");
        EXPECT_STRNE(suite.attribute("hostname").value(), "");
    }
}

TEST(Junit, LongNamesStayUniqueAndTheSameFromRunToRun) {
    Report report = samples::passing();
    for (std::size_t i = 0; i < report.checks.size(); ++i)
        report.checks[i].id = std::string(700, 'x') + std::to_string(i / 2);  // also twice the same
    const std::string text = render_junit(report);
    EXPECT_EQ(text, render_junit(report));
    std::set<std::string> names;
    const auto document = parse(text);
    for (const pugi::xml_node node : cases_in(document)) {
        const std::string name = node.attribute("name").value();
        EXPECT_LE(name.size(), 512U);
        EXPECT_TRUE(names.insert(name).second) << name;
    }
}

TEST(Junit, BodiesAreBounded) {
    Report report = samples::failing();
    report.diagnoses[0].cause.evidence.assign(100, std::string(10'000, 'x'));
    EXPECT_LT(render_junit(report).size(), 60'000U);
}

TEST(Junit, ManyChecksAreOneCaseForEachHost) {
    const Report report = samples::no_routes(99);
    JunitOptions options;
    options.max_cases = 1000;
    const std::string text = render_junit(report, options);
    const auto document = parse(text);
    EXPECT_EQ(cases_in(document).size(), 1U + 100 + 100 + 100 + 99);
    const auto node = case_named(document, "route-present/node-7 (all)");
    EXPECT_THAT(node.child("failure").attribute("message").value(), StartsWith("98 of 98: no route to"));
    EXPECT_THAT(node.child("failure").text().get(), HasSubstr("route-present/node-7/10.200.98.0/24"));
}

TEST(Junit, TheMostCasesStayUnderThirtyMegabytes) {
    Report report = samples::no_routes(130);  // 17,030 route checks and as many causes
    for (Diagnosis& diagnosis : report.diagnoses) diagnosis.cause.evidence.assign(8, std::string(200, 'x'));
    EXPECT_LT(render_junit(report).size(), 30'000'000U);
}

TEST(Junit, IsWellFormedForXmllint) {
    const testing_tools::TemporaryDirectory directory;
    std::vector<std::string> words{"/usr/bin/xmllint", "--noout", "--huge"};
    for (const auto& sample : samples::all()) {
        words.push_back(directory.file(sample.name + ".xml"));
        testing_tools::put(words.back(), render_junit(sample.report));
    }
    EXPECT_EQ(testing_tools::run_program(words), 0);
    testing_tools::put(directory.file("broken.xml"), "<testsuites><a>\x01</a></testsuites>");
    EXPECT_NE(testing_tools::run_program(
                  {"/bin/sh", "-c", "xmllint --noout " + directory.file("broken.xml") + " 2>/dev/null"}),
              0)
        << "the validator finds faults";
}

// Reports of random bytes, all judged by xmllint at once.
TEST(Junit, HostileStringsAreWellFormedForXmllint) {
    const testing_tools::TemporaryDirectory directory;
    std::vector<std::string> words{"/usr/bin/xmllint", "--noout"};
    const bool ok = rc::check([&] {
        const std::string text = render_junit(testing_tools::nasty_report());
        pugi::xml_document document;
        RC_ASSERT(static_cast<bool>(document.load_buffer(text.data(), text.size())));
        RC_ASSERT(text.find('\x1b') == std::string::npos);
        words.push_back(directory.file(std::to_string(words.size()) + ".xml"));
        testing_tools::put(words.back(), text);
    });
    EXPECT_TRUE(ok);
    EXPECT_GE(words.size(), 100U);
    EXPECT_EQ(testing_tools::run_program(words), 0);
}

}  // namespace
}  // namespace podroute
