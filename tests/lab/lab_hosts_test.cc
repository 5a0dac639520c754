// What a person finds in a lab: hosts that SSH reaches, pods that answer, and commands that stay inside.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "fixtures/lab/lab.h"
#include "fixtures/lab/namespaces.h"

namespace podroute::lab {
namespace {

LabOptions options(const std::string& name) {
    LabOptions o;
    o.name = "test-" + name + "-" + std::to_string(getpid());
    return o;
}

class LabHosts : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        auto o = options("hosts");
        o.ipv6 = true;
        auto made = Lab::up(o);
        ASSERT_TRUE(made) << made.error().text;
        lab_ = new Lab(std::move(*made));
    }
    static void TearDownTestSuite() {
        delete lab_;
        lab_ = nullptr;
    }
    static Finished run(const std::string& host, const std::vector<std::string>& argv) {
        return (*lab_)->run(host, argv);
    }
    static Lab* lab_;
};
Lab* LabHosts::lab_ = nullptr;

TEST_F(LabHosts, PlainSshReachesEachByNameFqdnAndAddress) {
    for (const auto& h : (*lab_)->topology().hosts) {
        if (h.role == Role::jumpbox) continue;
        for (const auto& target : {h.name, h.fqdn, h.addresses[0].to_string()}) {
            const auto done = run("jumpbox", {"ssh", "-o", "BatchMode=yes", "root@" + target, "hostname"});
            EXPECT_EQ(done.exit_code, 0) << target << ": " << done.errors;
            EXPECT_EQ(done.output, h.name + "\n") << target;
        }
    }
}

TEST_F(LabHosts, PodsReachEachOtherInBothFamilies) {
    EXPECT_EQ(run("pod-0", {"ping", "-c", "1", "-W", "2", "10.200.1.2"}).exit_code, 0);
    EXPECT_EQ(run("pod-1", {"ping", "-c", "1", "-W", "2", "10.200.0.2"}).exit_code, 0);
    EXPECT_EQ(run("pod-0", {"ping", "-c", "1", "-W", "2", "fd00:10:200:1::2"}).exit_code, 0);
    EXPECT_EQ(run("server", {"ping", "-c", "1", "-W", "2", "10.200.1.2"}).exit_code, 0);
}

TEST_F(LabHosts, HaveNamespacesOfTheirOwn) {
    EXPECT_EQ(run("node-0", {"cat", "/proc/sys/kernel/hostname"}).output, "node-0\n");
    EXPECT_EQ(run("node-0", {"sh", "-c", "ls /sys/class/net | tr '\\n' ' '"}).output,
              "cnio0 eth0 lo vethpod ");
    EXPECT_NE(run("node-0", {"cat", "/proc/1/comm"}).output, "");
    // What one host writes no other sees, and neither does the machine.
    const std::string mark = "podroute-lab-test-" + std::to_string(getpid());
    for (const std::string folder :
         {"/tmp/", "/run/", "/root/", "/var/lib/", "/var/tmp/", "/dev/shm/", "/etc/"}) {
        EXPECT_EQ(run("node-0", {"touch", folder + mark}).exit_code, 0) << folder;
        EXPECT_NE(run("node-1", {"test", "-e", folder + mark}).exit_code, 0) << folder;
        EXPECT_NE(access((folder + mark).c_str(), F_OK), 0) << folder;
    }
}

TEST_F(LabHosts, PassExitCodesAndInput) {
    EXPECT_EQ(run("node-0", {"sh", "-c", "exit 7"}).exit_code, 7);
    EXPECT_EQ((*lab_)->run("node-0", {"cat"}, "in\n").output, "in\n");
    EXPECT_EQ(run("node-0", {"sh", "-c", "echo $HOME"}).output, "/root\n");
    const auto slow = (*lab_)->run("node-0", {"sleep", "20"}, {}, std::chrono::milliseconds(200));
    EXPECT_TRUE(slow.timed_out);
}

// A child of a program with threads must not allocate before it executes: whoever held the allocator's lock
// when it was forked is not there to let go of it.
TEST_F(LabHosts, CommandsOfManyThreadsAllEnd) {
    std::atomic<int> wrong{0};
    std::atomic<bool> done{false};
    std::vector<std::jthread> allocating, running;
    for (int t = 0; t < 2; ++t)
        allocating.emplace_back([&] {
            std::vector<std::string> kept(64);
            for (std::size_t i = 0; !done; ++i) kept[i % kept.size()] = std::string(i % 5000, 'x');
        });
    for (int t = 0; t < 4; ++t)
        running.emplace_back([&] {
            for (int i = 0; i < 50; ++i)
                if ((*lab_)->run("node-0", {"true"}, {}, std::chrono::seconds(5)).exit_code != 0) ++wrong;
        });
    running.clear();
    done = true;
    EXPECT_EQ(wrong, 0);
}

TEST_F(LabHosts, NothingRunsWhereItWouldBeTheMachineItself) {
    // The caller's own namespaces are what must never be joined.
    const HostNamespaces own(getpid(), false);
    const auto refused =
        run_command({"echo", "ran"}, {}, std::chrono::seconds(5), [&] { return own.join(); });
    EXPECT_EQ(refused.exit_code, 125);
    EXPECT_EQ(refused.output, "");
    EXPECT_EQ(run("no-such-host", {"echo", "ran"}).exit_code, 125);
    EXPECT_EQ(run("no-such-host", {"echo", "ran"}).output, "");
}

TEST(LabOptionsTest, WithoutRoutesPodsDoNotReachEachOther) {
    auto o = options("bare");
    o.routes = false;
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    EXPECT_NE((*lab)->run("pod-0", {"ping", "-c", "1", "-W", "1", "10.200.1.2"}).exit_code, 0);
    EXPECT_EQ((*lab)->run("node-0", {"ip", "route", "add", "10.200.1.0/24", "via", "10.240.0.21"}).exit_code,
              0);
    EXPECT_EQ((*lab)->run("node-1", {"ip", "route", "add", "10.200.0.0/24", "via", "10.240.0.20"}).exit_code,
              0);
    EXPECT_EQ((*lab)->run("pod-0", {"ping", "-c", "1", "-W", "2", "10.200.1.2"}).exit_code, 0);
}

TEST(LabOptionsTest, WithoutCniThereIsNoBridgeAndNoConfiguration) {
    auto o = options("nocni");
    o.cni = false;
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    EXPECT_NE((*lab)->run("node-0", {"ip", "link", "show", "cnio0"}).exit_code, 0);
    EXPECT_NE((*lab)->run("node-0", {"test", "-e", "/etc/cni/net.d"}).exit_code, 0);
}

TEST(LabOptionsTest, NoexecTmpReallyPreventsExecution) {
    auto o = options("noexec");
    o.tmp = TmpKind::noexec;
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    for (const std::string folder : {"/tmp", "/var/tmp", "/dev/shm", "/run", "/root"}) {
        const auto done =
            (*lab)->run("node-0", {"sh", "-c", "cp /bin/true " + folder + "/t && " + folder + "/t"});
        EXPECT_EQ(done.exit_code, 126) << folder << ": " << done.errors;
    }
}

TEST(LabOptionsTest, ReadOnlyEtcAndFullTmpRefuseWrites) {
    auto o = options("full");
    o.tmp = TmpKind::full;
    o.etc_read_only = true;
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    EXPECT_NE((*lab)->run("node-0", {"touch", "/etc/x"}).exit_code, 0);
    EXPECT_NE((*lab)->run("node-0", {"dd", "if=/dev/zero", "of=/tmp/x", "bs=1M", "count=1"}).exit_code, 0);
}

TEST(LabOptionsTest, TheRouterForwardsByItsOwnTable) {
    auto o = options("l3");
    o.fabric = Fabric::l3;
    o.ipv6 = true;
    o.routes = false;  // of the hosts: what pods send falls to the default route
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    EXPECT_EQ((*lab)->run("node-0", {"ping", "-c", "1", "-W", "2", "10.240.0.21"}).exit_code, 0);
    // Every address is at one MAC.
    EXPECT_NE((*lab)->run("node-0", {"ip", "neigh", "show", "10.240.0.21"}).output.find(kFabricMac),
              std::string::npos);
    EXPECT_EQ((*lab)->run("pod-0", {"ping", "-c", "1", "-W", "2", "10.200.1.2"}).exit_code, 0);
    EXPECT_EQ((*lab)->run("pod-0", {"ping", "-c", "1", "-W", "2", "fd00:10:200:1::2"}).exit_code, 0);
}

TEST(LabOptionsTest, WithoutARouteTableTheRouterDropsWithoutAWord) {
    auto o = options("l3-none");
    o.fabric = Fabric::l3;
    o.route_table = false;
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    EXPECT_EQ((*lab)->run("node-0", {"ping", "-c", "1", "-W", "2", "10.240.0.21"}).exit_code, 0);
    const auto lost = (*lab)->run("pod-0", {"ping", "-c", "1", "-W", "1", "10.200.1.2"});
    EXPECT_NE(lost.exit_code, 0);
    EXPECT_EQ(lost.output.find("nreachable"), std::string::npos) << lost.output;
}

TEST(LabOptionsTest, TheRouterHoldsTheServersCardToItsOwnAddress) {
    auto o = options("l3-card");
    o.fabric = Fabric::l3;
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    const auto add = (*lab)->run("server", {"ip", "addr", "add", "10.200.9.9/32", "dev", "lo"});
    ASSERT_EQ(add.exit_code, 0) << add.errors;
    EXPECT_EQ((*lab)->run("server", {"ping", "-c", "1", "-W", "2", "10.200.0.2"}).exit_code, 0);
    // An answer could come back: only the sending is in question.
    ASSERT_EQ((*lab)
                  ->run("fabric", {"ip", "route", "add", "10.200.9.9/32", "via", "10.240.0.10", "dev", "p1"})
                  .exit_code,
              0);
    ASSERT_EQ((*lab)
                  ->run("fabric", {"nft", "delete", "element", "netdev", "fabric", "to_own_only", "{ p1 }"})
                  .exit_code,
              0);
    EXPECT_NE(
        (*lab)->run("server", {"ping", "-c", "1", "-W", "1", "-I", "10.200.9.9", "10.200.0.2"}).exit_code, 0);
    ASSERT_EQ((*lab)
                  ->run("fabric", {"nft", "delete", "element", "netdev", "fabric", "from_own_only", "{ p1 }"})
                  .exit_code,
              0);
    EXPECT_EQ(
        (*lab)->run("server", {"ping", "-c", "1", "-W", "2", "-I", "10.200.9.9", "10.200.0.2"}).exit_code, 0);
}

}  // namespace
}  // namespace podroute::lab
