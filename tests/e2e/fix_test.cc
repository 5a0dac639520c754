// verify --fix and undo as a user runs them, in a lab of two nodes that lack their pod routes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fixtures/lab/lab.h"
#include "fixtures/lab/residue.h"

namespace podroute::lab {
namespace {

using nlohmann::json;

constexpr auto kMachines = "/root/machines.txt";

class FixEndToEnd : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        LabOptions options;
        options.name = "e2e-fix-" + std::to_string(getpid());
        options.routes = false;
        auto lab = Lab::up(options);
        if (!lab) FAIL() << lab.error().text;
        lab_ = std::make_unique<Lab>(std::move(*lab));
    }
    static void TearDownTestSuite() { lab_.reset(); }
    void SetUp() override {
        ASSERT_TRUE(lab_);
        // A route that is not there, or is the host's own connected one, is none to remove.
        shell(
            "for h in server node-0 node-1; do for n in 0 1; do ssh $h ip route del 10.200.$n.0/24 via "
            "10.240.0.2$n; done; done");
        before_ = states();
    }

    static Finished jumpbox(const std::vector<std::string>& argv) { return (**lab_).run("jumpbox", argv); }
    static Finished podroute(std::vector<std::string> words) {
        words.insert(words.begin(), PODROUTE);
        return jumpbox(words);
    }
    static Finished verify(std::vector<std::string> words) {
        words.insert(words.begin(), {"verify", "--machines", kMachines, "--protocol", "none"});
        return podroute(words);
    }
    static Finished shell(const std::string& text) { return jumpbox({"sh", "-c", text}); }
    static RunIn runner() {
        return [](const std::string& host, const std::vector<std::string>& argv, const std::string& input) {
            return (**lab_).run(host, argv, input);
        };
    }
    // Of the hosts that podroute reaches; the jumpbox gets report files.
    static States states() {
        auto found = read_states((**lab_).topology(), runner());
        EXPECT_TRUE(found) << (found ? "" : found.error().text);
        if (found) found->erase("jumpbox");
        return found ? *found : States{};
    }
    // What differs from the start of the test, once sessions have ended.
    std::string changed() const {
        const auto found =
            settled_differences(before_, (**lab_).topology(), runner(), std::chrono::milliseconds(8000));
        std::string text = found ? "" : found.error().text;
        if (found)
            for (const std::string& line : *found) text += line + "\n";
        return text;
    }
    static json valid_report(const std::string& path) {
        const auto check =
            jumpbox({"/usr/bin/python3", "-W", "ignore", "-m", "jsonschema", "-i", path, REPORT_SCHEMA});
        EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
        return json::parse(shell("cat " + path).output, nullptr, false);
    }
    static std::size_t count(const json& report, const std::string& status) {
        std::size_t n = 0;
        for (const auto& fix : report["fixes"]) n += fix["status"] == status ? 1 : 0;
        return n;
    }

    States before_;
    static std::unique_ptr<Lab> lab_;
};
std::unique_ptr<Lab> FixEndToEnd::lab_;

TEST_F(FixEndToEnd, ADryRunPlansAndChangesNothing) {
    const auto done = verify({"--fix", "--dry-run", "--json", "/tmp/plan.json"});
    EXPECT_EQ(done.exit_code, 1) << done.errors;
    EXPECT_NE(done.output.find("+ 10.200.1.0/24 via 10.240.0.21 dev eth0 proto 112"), std::string::npos)
        << done.output;
    EXPECT_NE(done.output.find("nothing was changed"), std::string::npos);
    EXPECT_EQ(count(valid_report("/tmp/plan.json"), "planned"), 4U);
    EXPECT_EQ(changed(), "");
}

TEST_F(FixEndToEnd, FixVerifyUndoVerify) {
    const auto fixed =
        verify({"--fix", "--json", "/tmp/f.json", "--junit", "/tmp/f.xml", "--snapshot", "/tmp/f.s"});
    EXPECT_EQ(fixed.exit_code, 0) << fixed.output << fixed.errors;
    const auto report = valid_report("/tmp/f.json");
    EXPECT_EQ(report["run"]["verdict"], "pass") << "the report is of the state after";
    EXPECT_TRUE(report["diagnoses"].empty());
    EXPECT_EQ(count(report, "applied"), 4U) << report["fixes"];
    EXPECT_EQ(shell("ssh node-0 ip route show proto 112").output,
              "10.200.1.0/24 via 10.240.0.21 dev eth0 \n");
    EXPECT_EQ(shell("xmllint --noout /tmp/f.xml && grep -c podroute.fix.node-0 /tmp/f.xml").output, "1\n");
    EXPECT_EQ(podroute({"replay", "/tmp/f.s", "--json", "/tmp/g.json", "--junit", "/tmp/g.xml"}).exit_code,
              0);
    EXPECT_EQ(shell("cmp /tmp/f.json /tmp/g.json && cmp /tmp/f.xml /tmp/g.xml").exit_code, 0);

    const auto again = verify({"--fix", "--json", "/tmp/again.json"});
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_NE(again.output.find("fixes    none"), std::string::npos) << again.output;
    EXPECT_TRUE(valid_report("/tmp/again.json")["fixes"].empty());

    const auto undone = podroute({"undo", "/tmp/f.json", "--json", "/tmp/u.json"});
    EXPECT_EQ(undone.exit_code, 0) << undone.output << undone.errors;
    EXPECT_EQ(count(valid_report("/tmp/u.json"), "undone"), 4U);
    EXPECT_EQ(changed(), "");
    EXPECT_EQ(verify({}).exit_code, 1);
}

TEST_F(FixEndToEnd, UndoLeavesAloneWhatIsNoLongerAsItWasLeft) {
    ASSERT_EQ(verify({"--fix", "--json", "/tmp/f.json"}).exit_code, 0);
    shell("ssh node-0 ip route replace 10.200.1.0/24 via 10.240.0.10; ssh node-1 ip route del 10.200.0.0/24");
    const auto undone = podroute({"undo", "/tmp/f.json", "--json", "/tmp/u.json"});
    EXPECT_EQ(undone.exit_code, 1) << undone.output;
    EXPECT_NE(undone.output.find("left alone: "), std::string::npos) << undone.output;
    const auto report = valid_report("/tmp/u.json");
    EXPECT_EQ(count(report, "undone"), 2U);
    EXPECT_EQ(count(report, "refused"), 1U);
    EXPECT_EQ(count(report, "already"), 1U);
    for (const auto& fix : report["fixes"])
        if (fix["status"] == "refused") {
            EXPECT_EQ(fix["reason"],
                      "left alone: it is no longer as it was: found 10.200.1.0/24 via 10.240.0.10 dev eth0");
        }
    shell("ssh node-0 ip route del 10.200.1.0/24");
    EXPECT_EQ(changed(), "");
}

TEST_F(FixEndToEnd, UndoAllListsAndNeedsYes) {
    ASSERT_EQ(verify({"--fix"}).exit_code, 0);
    const auto fixed = states();
    const auto listed = podroute({"undo", "--all", "--machines", kMachines});
    EXPECT_EQ(listed.exit_code, 0);
    EXPECT_TRUE(listed.output.ends_with("nothing was changed: add --yes\n")) << listed.output;
    EXPECT_NE(listed.output.find("ssh root@node-1 ip route del 10.200.0.0/24 via 10.240.0.20"),
              std::string::npos);
    EXPECT_NE(changed(), "") << "the routes are still there";
    EXPECT_EQ(podroute({"undo", "--all", "--yes", "--machines", kMachines}).exit_code, 0);
    EXPECT_EQ(changed(), "");
}

TEST_F(FixEndToEnd, WhatIsRefusedStaysAsItIsAndTheOthersAreFixed) {
    shell(
        "ssh node-0 ip route add 10.200.1.0/24 via 10.240.0.21 metric 7 table main; "
        "ssh node-0 ip route add blackhole 10.200.1.0/24");
    before_ = states();
    const auto fixed = verify({"--fix", "--json", "/tmp/f.json"});
    EXPECT_EQ(fixed.exit_code, 1) << "the blackhole is for --fix=repair";
    const auto report = valid_report("/tmp/f.json");
    EXPECT_EQ(count(report, "applied"), 3U) << report["fixes"];
    EXPECT_EQ(verify({"--fix=repair", "--json", "/tmp/r.json"}).exit_code, 0);
    EXPECT_EQ(count(valid_report("/tmp/r.json"), "applied"), 1U);
    EXPECT_EQ(podroute({"undo", "/tmp/r.json"}).exit_code, 0);
    EXPECT_EQ(podroute({"undo", "/tmp/f.json"}).exit_code, 0);
    EXPECT_EQ(changed(), "");
    shell("ssh node-0 'ip route del blackhole 10.200.1.0/24; ip route del 10.200.1.0/24 metric 7'");
}

}  // namespace
}  // namespace podroute::lab
