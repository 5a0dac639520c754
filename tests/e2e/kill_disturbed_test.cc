// A run of --fix on a host without a place for its journal, beside a program that takes the route away, and
// beside another run.
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "tests/e2e/kill_lab.h"

namespace podroute::lab {
namespace {

class FixDisturbed : public KillLab {
  protected:
    // Nothing is changed, and the report says why.
    void expect_refused(const std::string& why) {
        const auto run = fix();
        EXPECT_EQ(run.exit_code, 1);
        EXPECT_EQ(run.statuses(), (std::vector<std::string>{"refused", "refused"})) << run.report;
        for (const auto& reason : run.reasons()) EXPECT_NE(reason.find(why), std::string::npos) << reason;
        EXPECT_TRUE(reachable());
    }
};

TEST_F(FixDisturbed, AFullDisk) {
    ASSERT_EQ(
        node("mount -o remount,size=64k /run; cat /dev/zero >/run/filler; df /run | grep 100%").exit_code, 0);
    expect_refused("No space left on device");
    node("rm /run/filler; mount -o remount,size=64m /run; rm -r /run/mount");
    expect_settled(before_);
    EXPECT_EQ(fix().exit_code, 0) << "with a place for it again";
}

TEST_F(FixDisturbed, AReadOnlyRun) {
    ASSERT_EQ(node("mount -o remount,ro /run").exit_code, 0);
    expect_refused("Read-only file system");
    node("mount -o remount,rw /run; rm -rf /run/mount");
    expect_settled(before_);
    EXPECT_EQ(fix().exit_code, 0) << "with a place for it again";
}

// It may come before the proof, and then all is taken back, or behind the word to keep, and then the second
// look finds it missing; or, on a slow machine, behind that, and then the report is of what was. Forwarding
// is as its own fix says in either case.
TEST_F(FixDisturbed, AnotherProgramThatDeletesTheRouteAtOnce) {
    node(
        "setsid sh -c 'echo $$ >/run/deleter; for i in $(seq 20000); do ip route del 10.200.1.0/24 proto "
        "112; "
        "done' >/dev/null 2>&1 </dev/null &");
    ASSERT_TRUE(eventually([] { return node("test -s /run/deleter").exit_code == 0; }));
    const auto run = fix();
    ASSERT_TRUE(run.report.is_object());
    const bool found_missing =
        std::any_of(run.report["diagnoses"].begin(), run.report["diagnoses"].end(),
                    [](const auto& d) { return d["code"] == "route-missing" && d["host"] == "node-0"; });
    EXPECT_EQ(run.exit_code, found_missing ? 1 : 0) << run.report["diagnoses"];
    ASSERT_EQ(run.statuses().size(), 2U) << run.report;
    for (const auto& fix : run.report["fixes"]) {
        EXPECT_TRUE(fix["status"] == "applied" || fix["reason"] != "") << fix;
        if (fix["change"]["object"].dump().find("ip_forward") == std::string::npos) continue;
        EXPECT_EQ(node("cat /proc/sys/net/ipv4/ip_forward").output,
                  fix["status"] == "applied" ? "1\n" : "0\n")
            << fix;
    }
    EXPECT_TRUE(eventually([] { return node("ip route show 10.200.1.0/24").output.empty(); }));
    EXPECT_TRUE(reachable());
    node("kill -s KILL -- -$(cat /run/deleter); rm /run/deleter");
    break_node();
    expect_settled(before_);
}

TEST_F(FixDisturbed, TwoControllersAtOnce) {
    for (int i = 0; i < 4; ++i) {
        break_node();
        ASSERT_TRUE(eventually([&] { return state() == before_; })) << differences_of(before_, state());
        FixRun one, two;
        std::thread other([&] { two = fix({}, "two"); });
        one = fix({}, "one");
        other.join();
        expect_settled(after_);
        int applied = 0;
        for (const auto& [mine, others] : {std::pair(&one, &two), std::pair(&two, &one)}) {
            ASSERT_TRUE(mine->report.is_object());
            const auto statuses = mine->statuses(), reasons = mine->reasons();
            for (std::size_t k = 0; k < statuses.size(); ++k) {
                applied += statuses[k] == "applied" ? 1 : 0;
                if (statuses[k] == "applied" || statuses[k] == "already") continue;
                EXPECT_EQ(statuses[k], "refused") << reasons[k];
                const auto run = others->report["run"]["id"].get<std::string>();
                // The other may be at its end, and no longer say who it is.
                EXPECT_TRUE(reasons[k].find(" of run " + run + ", started ") != std::string::npos ||
                            reasons[k] == "another podroute changes this host" ||
                            reasons[k].find("it is no longer as it was") != std::string::npos ||
                            reasons[k].find("routing changed since") != std::string::npos)
                    << reasons[k];
            }
        }
        EXPECT_EQ(applied, 2) << "each object by one of them\n" << one.report << two.report;
        EXPECT_TRUE(reachable());
    }
}

}  // namespace
}  // namespace podroute::lab
