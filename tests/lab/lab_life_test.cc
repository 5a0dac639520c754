// A lab comes, lives beside others, and leaves nothing, however it ends.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>

#include "fixtures/lab/guardian.h"
#include "fixtures/lab/lab.h"
#include "fixtures/lab/namespaces.h"

namespace podroute::lab {
namespace {

namespace fs = std::filesystem;

LabOptions options(const std::string& name) {
    LabOptions o;
    o.name = "test-" + name + "-" + std::to_string(getpid());
    return o;
}

// The network namespaces of a lab's hosts; each must be gone with it.
std::set<NamespaceId> namespaces_of(const RunningLab& lab) {
    std::set<NamespaceId> found;
    for (const auto& h : lab.topology().hosts)
        found.insert(namespace_identity("/proc/" + std::to_string(*lab.pid_of(h.name)) + "/ns/net"));
    return found;
}

bool any_process_in(const std::set<NamespaceId>& namespaces) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored))
        if (namespaces.contains(namespace_identity(entry.path().string() + "/ns/net"))) return true;
    return false;
}

bool becomes_false(const std::function<bool()>& condition) {
    for (int i = 0; i < 100; ++i) {
        if (!condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
}

std::string machine_state() {
    return read_text("/proc/self/mountinfo") + run_command({"ip", "-o", "link"}).output +
           run_command({"ip", "-o", "addr"}).output + run_command({"ip", "route"}).output;
}

TEST(LabLife, DownLeavesNothing) {
    const std::string before = machine_state();
    const auto o = options("down");
    ASSERT_TRUE(up(o));
    const auto lab = RunningLab::find(o.name);
    ASSERT_TRUE(lab);
    const auto spaces = namespaces_of(*lab);
    ASSERT_EQ(spaces.size(), lab->topology().hosts.size());
    EXPECT_TRUE(any_process_in(spaces));
    // Not one lab address outside.
    EXPECT_EQ(machine_state(), before);
    ASSERT_TRUE(down(o.name));
    EXPECT_FALSE(fs::exists(state_dir(o.name)));
    EXPECT_TRUE(becomes_false([&] { return any_process_in(spaces); }));
    EXPECT_EQ(machine_state(), before);
    EXPECT_TRUE(down(o.name)) << "a second down is no error";
}

// The one before removes its files, and those of the next must not be among them.
TEST(LabLife, OneOfTheSameNameMayFollowAtOnce) {
    auto o = options("again");
    o.nodes = 1;
    for (int i = 0; i < 3; ++i) {
        const auto good = up(o);
        ASSERT_TRUE(good) << good.error().text;
        const auto lab = RunningLab::find(o.name);
        ASSERT_TRUE(lab);
        ASSERT_TRUE(down(o.name));
        EXPECT_FALSE(fs::exists(state_dir(o.name)));
        // Nobody may have waited for it yet.
        const std::string stat = read_text("/proc/" + std::to_string(lab->supervisor()) + "/stat");
        EXPECT_TRUE(stat.empty() || stat.find(") Z ") != std::string::npos) << stat;
    }
}

TEST(LabLife, AKilledSupervisorTakesEverythingAlong) {
    const auto o = options("killed");
    ASSERT_TRUE(up(o));
    const auto lab = RunningLab::find(o.name);
    ASSERT_TRUE(lab);
    const auto spaces = namespaces_of(*lab);
    ASSERT_EQ(kill(lab->supervisor(), SIGKILL), 0);
    EXPECT_TRUE(becomes_false([&] { return any_process_in(spaces); }));
    // The kernel closes a dying process's files, the lock among them, after it has left its namespaces.
    EXPECT_TRUE(becomes_false([&] { return bool(RunningLab::find(o.name)); }))
        << "a dead lab must not pass for one that is up";
    // The next up of that name replaces what is left.
    ASSERT_TRUE(up(o));
    ASSERT_TRUE(down(o.name));
    EXPECT_FALSE(fs::exists(state_dir(o.name)));
}

TEST(LabLife, EndsWithTheProgramThatAskedForIt) {
    const auto o = options("guarded");
    const pid_t user = fork();
    if (user == 0) {
        if (!end_with_caller(o.name) || !up(o)) _exit(1);
        for (;;) pause();
    }
    ASSERT_GT(user, 0);
    EXPECT_TRUE(becomes_false([&] { return !RunningLab::find(o.name); }));
    kill(user, SIGKILL);
    run_command({"true"});
    EXPECT_TRUE(becomes_false([&] { return fs::exists(state_dir(o.name)); }));
    down(o.name);
}

TEST(LabLife, TwoLiveSideBySide) {
    const auto a = Lab::up(options("a"));
    const auto b = Lab::up(options("b"));
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    EXPECT_FALSE(up(options("a"))) << "one of that name is up";
    // The same addresses, and neither knows of the other.
    EXPECT_EQ((*a)->run("node-0", {"ip", "route", "del", "10.200.1.0/24"}).exit_code, 0);
    EXPECT_NE((*a)->run("pod-0", {"ping", "-c", "1", "-W", "1", "10.200.1.2"}).exit_code, 0);
    EXPECT_EQ((*b)->run("pod-0", {"ping", "-c", "1", "-W", "2", "10.200.1.2"}).exit_code, 0);
}

TEST(LabLife, AHundredNodesAnswerEachOther) {
    auto o = options("hundred");
    o.nodes = 100;
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    EXPECT_EQ((*lab)->run("jumpbox", {"ssh", "-o", "BatchMode=yes", "root@node-99", "hostname"}).output,
              "node-99\n");
    EXPECT_EQ((*lab)->run("pod-0", {"ping", "-c", "1", "-W", "2", "10.200.99.2"}).exit_code, 0);
}

}  // namespace
}  // namespace podroute::lab
