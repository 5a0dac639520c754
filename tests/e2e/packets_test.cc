// Runs that send packets, and what comes between: hosts without room or privilege for pods, agents that die,
// hosts that freeze, controllers that are killed, and other runs at the same time. Nothing is left on a host.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "fixtures/lab/lab.h"
#include "fixtures/lab/residue.h"

namespace podroute::lab {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kPatience = 90s;

struct Variant {
    bool bridge, ipv6;
};

std::string variant_name(const testing::TestParamInfo<Variant>& variant) {
    return std::string(variant.param.bridge ? "Bridge" : "NoBridge") +
           (variant.param.ipv6 ? "DualStack" : "IPv4");
}

struct Verified {
    int exit_code = -1;
    std::string errors;
    json report;  // null if there is none

    // Codes and hosts of causes of error level.
    std::vector<std::string> errors_named() const {
        std::vector<std::string> found;
        if (!report.is_object()) return {"no report"};
        for (const auto& d : report.at("diagnoses"))
            if (d.at("severity") == "error")
                found.push_back(d.at("code").get<std::string>() + "@" +
                                (d.at("host").is_string() ? d.at("host").get<std::string>() : "-"));
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found;
    }
    // The cause that says why a host sends no packets has these words.
    bool says_why(const std::string& host, const std::string& words) const {
        if (!report.is_object()) return false;
        const auto& all = report.at("diagnoses");
        return std::any_of(all.begin(), all.end(), [&](const json& d) {
            return d.at("code") == "probe-unavailable" && d.at("host") == host &&
                   d.dump().find(words) != std::string::npos;
        });
    }
};

class Packets : public testing::TestWithParam<Variant> {
  protected:
    void SetUp() override {
        LabOptions options;
        options.name = fmt::format("e2e-packets-{}", getpid());
        options.cni = GetParam().bridge;
        options.ipv6 = GetParam().ipv6;
        auto lab = Lab::up(options);
        if (!lab) FAIL() << lab.error().text;
        lab_ = std::make_unique<Lab>(std::move(*lab));
        remember();
    }

    Finished in(const std::string& host, const std::string& shell) const {
        return (**lab_).run(host, {"sh", "-c", shell}, {}, kPatience);
    }
    RunIn runner() const {
        return [this](const std::string& host, const std::vector<std::string>& argv,
                      const std::string& input) { return (**lab_).run(host, argv, input, kPatience); };
    }
    // What a run must leave.
    void remember() {
        auto states = read_states((**lab_).topology(), runner());
        ASSERT_TRUE(states) << states.error().text;
        before_ = std::move(*states);
    }
    void expect_nothing_left() const {
        const auto left = settled_differences(before_, (**lab_).topology(), runner(), kPatience);
        ASSERT_TRUE(left) << left.error().text;
        EXPECT_TRUE(left->empty()) << fmt::format("{}", fmt::join(*left, "\n"));
    }

    // Its process id stands in /var/lib/NAME.pid, which is no folder that counts as residue.
    Verified verify(const std::string& options = {}, const std::string& name = "verify") const {
        const std::string file = "/var/lib/" + name;
        Verified run;
        const auto ended =
            in("jumpbox", fmt::format("rm -f {0}.json; echo $$ >{0}.pid; exec {1} verify --machines "
                                      "/root/machines.txt --json {0}.json {2} >{0}.txt",
                                      file, PODROUTE, options));
        run.exit_code = ended.exit_code;
        run.errors = ended.errors;
        run.report = json::parse(in("jumpbox", "cat " + file + ".json").output, nullptr, false);
        return run;
    }
    static bool eventually(const std::function<bool()>& condition) {
        for (const auto until = std::chrono::steady_clock::now() + kPatience;
             std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(20ms))
            if (condition()) return true;
        return false;
    }
    bool pods_on(const std::string& host) const {
        return in(host, "ip -o link | grep -qE ': veth[a-z]{8}@'").exit_code == 0;
    }
    // The rounds take long, and what is lost is no more than a warning.
    void filter_echo(const std::string& host) const {
        ASSERT_EQ(
            in(host,
               "nft 'add table inet echo; add chain inet echo f { type filter hook forward priority 0; "
               "}; add rule inet echo f icmp type echo-request counter drop; add rule inet echo f icmpv6 "
               "type echo-request counter drop'")
                .exit_code,
            0);
    }
    // The main round has begun: what is filtered on that host has been counted.
    bool fired_at(const std::string& host) const {
        return in(host, "nft list table inet echo | grep -q 'packets [1-9]'").exit_code == 0;
    }
    static constexpr auto kLong = "--timeout 5";

    // Of the checks of these layers: all that name the host are unknown (`v4`: those of IPv4), and of the
    // others none is.
    static void expect_unknown_is_only(const Verified& run, const std::string& host, bool v4 = false) {
        ASSERT_TRUE(run.report.is_object()) << run.errors;
        std::size_t unknown = 0, passed = 0;
        for (const auto& check : run.report.at("checks")) {
            if (check.at("layer") != "tcp" && check.at("layer") != "icmp") continue;
            const auto subject = check.at("subject").get<std::string>();
            const bool about = subject.find(host) != std::string::npos &&
                               !(v4 && subject.find("(IPv6)") != std::string::npos);
            EXPECT_EQ(check.at("status") == "unknown", about) << check;
            unknown += about ? 1 : 0;
            passed += check.at("status") == "pass" ? 1 : 0;
        }
        EXPECT_GT(unknown, 0U);
        EXPECT_GT(passed, 0U);
    }

    std::unique_ptr<Lab> lab_;
    States before_;
};

TEST_P(Packets, AnAgentThatIsKilledInARoundTakesNoOtherHostWithIt) {
    filter_echo("node-1");
    remember();
    Verified run;
    std::thread verifying([&] { run = verify(kLong); });
    EXPECT_TRUE(eventually([&] { return fired_at("node-1"); }));
    EXPECT_EQ(in("node-0", "kill -KILL $(pgrep -x agent)").exit_code, 0);
    verifying.join();
    EXPECT_EQ(run.exit_code, 3) << run.errors;
    EXPECT_EQ(run.errors_named(), std::vector<std::string>{"agent-failed@node-0"}) << run.report["diagnoses"];
    expect_unknown_is_only(run, "node-0");
    expect_nothing_left();
}

// Its agent goes on and hears nobody any more: it takes its pods away by itself.
TEST_P(Packets, AHostThatFreezesInARoundTakesNoOtherHostWithIt) {
    filter_echo("node-1");
    remember();
    Verified run;
    std::thread verifying([&] { run = verify(kLong); });
    EXPECT_TRUE(eventually([&] { return fired_at("node-1"); }));
    EXPECT_EQ(
        in("node-0", "pgrep -f '[n]otty' >/var/lib/frozen && kill -STOP $(cat /var/lib/frozen)").exit_code,
        0);
    verifying.join();
    EXPECT_EQ(run.exit_code, 3) << run.errors;
    EXPECT_EQ(run.errors_named(), std::vector<std::string>{"agent-failed@node-0"}) << run.report["diagnoses"];
    expect_unknown_is_only(run, "node-0");
    EXPECT_TRUE(eventually([&] { return !pods_on("node-0"); }));
    EXPECT_EQ(in("node-0", "kill -CONT $(cat /var/lib/frozen)").exit_code, 0);
    expect_nothing_left();
}

TEST_P(Packets, RunsAtTheSameTimeAreAllRight) {
    std::vector<Verified> runs(3);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < runs.size(); ++i)
        threads.emplace_back([this, i, &runs] { runs[i] = verify("", fmt::format("run-{}", i)); });
    for (auto& thread : threads) thread.join();
    for (const Verified& run : runs) {
        EXPECT_EQ(run.exit_code, 0) << run.report;
        ASSERT_TRUE(run.report.is_object());
        const auto& probes = run.report["summary"]["probes"];
        EXPECT_GT(probes["sent"], 0);
        EXPECT_EQ(probes["sent"], probes["answered"]) << run.report["probes"];
    }
    expect_nothing_left();
}

// Runs that are cut short, also of pods of two families without a bridge.
class KilledRuns : public Packets {};

// At moments from the opening of the pods on; a missing route makes for two rounds that wait.
TEST_P(KilledRuns, AControllerThatIsKilledOrInterruptedLeavesNothing) {
    ASSERT_EQ(in("node-1", "ip route del 10.200.0.0/24").exit_code, 0);
    remember();
    std::mt19937 random(20'240'601);  // NOLINT(cert-msc51-cpp): the same moments every time
    for (const char* signal : {"KILL", "INT", "KILL", "TERM", "KILL"}) {
        Verified run;
        std::thread verifying([&] { run = verify(); });
        EXPECT_TRUE(eventually([&] { return pods_on("node-0"); }));
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1'000));
        in("jumpbox", fmt::format("kill -{} $(cat /var/lib/verify.pid)", signal));
        verifying.join();
        ASSERT_TRUE(run.report.is_object()) << signal;
        EXPECT_NE(run.report["run"]["verdict"], "pass") << signal;
        expect_nothing_left();
    }
}

// Before any pod: while keys are exchanged, while the agent is uploaded, while it reads.
TEST_P(KilledRuns, AControllerThatIsKilledWhileItReachesTheHostsLeavesNothing) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(verify("--protocol none").exit_code, 0);
    const auto whole = std::chrono::steady_clock::now() - start;
    for (int i = 1; i <= 8; ++i) {
        in("jumpbox", "rm -f /var/lib/killed.pid");
        std::thread verifying([&] { verify("--protocol none", "killed"); });
        std::this_thread::sleep_for(whole * i / 9);
        in("jumpbox", fmt::format("kill -{} $(cat /var/lib/killed.pid)", i % 2 == 0 ? "KILL" : "INT"));
        verifying.join();
        expect_nothing_left();
        ASSERT_FALSE(HasFailure()) << "after " << i << " of 9 parts of a run";
    }
}

TEST_P(Packets, WithoutPrivilegeTheTablesAreReadAndNoPacketIsSent) {
    for (const char* host : {"server", "node-0", "node-1"})
        ASSERT_EQ(
            in(host,
               "echo bob:x:4711:4711::/var/lib/bob:/bin/sh >>/etc/passwd; echo bob:*:19000:0:99999:7::: "
               ">>/etc/shadow; mkdir -p /var/lib/bob/.ssh; cp /root/.ssh/authorized_keys "
               "/var/lib/bob/.ssh; chown -R 4711:4711 /var/lib/bob")
                .exit_code,
            0);
    remember();
    const Verified run = verify("--user bob");
    EXPECT_EQ(run.exit_code, 3) << run.errors;
    EXPECT_EQ(run.errors_named(),
              (std::vector<std::string>{"probe-unavailable@node-0", "probe-unavailable@node-1"}));
    EXPECT_TRUE(run.says_why("node-0", "root")) << run.report["diagnoses"];
    ASSERT_TRUE(run.report.is_object());
    EXPECT_EQ(run.report["summary"]["probes"]["sent"], 0);
    for (const auto& check : run.report["checks"]) {
        const bool of_tables = check["layer"] == "routes" || check["layer"] == "links";
        EXPECT_TRUE(!of_tables || check["status"] == "pass") << check;
    }
    // A fault of the network that tables show is named all the same.
    ASSERT_EQ(in("node-0", "ip route del 10.200.1.0/24").exit_code, 0);
    remember();
    const Verified broken = verify("--user bob");
    EXPECT_EQ(broken.exit_code, 1);
    const auto named = broken.errors_named();
    EXPECT_NE(std::find(named.begin(), named.end(), "route-missing@node-0"), named.end())
        << broken.report["diagnoses"];
    expect_nothing_left();
}

TEST_P(Packets, NoFreeAddressInAPodNetwork) {
    ASSERT_EQ(in("node-0",
                 "mkdir -p /var/lib/cni/networks/bridge; cd /var/lib/cni/networks/bridge; for i in $(seq 1 "
                 "254); do : >10.200.0.$i; done")
                  .exit_code,
              0);
    remember();
    const Verified run = verify();
    EXPECT_EQ(run.exit_code, 3) << run.errors;
    EXPECT_EQ(run.errors_named(), (std::vector<std::string>{"probe-unavailable@node-0"}));
    EXPECT_TRUE(run.says_why("node-0", "10.200.0.0/24 has no free address in its top quarter"))
        << run.report["diagnoses"];
    expect_unknown_is_only(run, "node-0", true);
    expect_nothing_left();
}

// host-local gives out one after the other: where it has been round, few are free between those that live.
TEST_P(Packets, FewFreeAddressesAreFound) {
    ASSERT_EQ(in("node-0",
                 "mkdir -p /var/lib/cni/networks/bridge; cd /var/lib/cni/networks/bridge; for i in $(seq 2 "
                 "199) $(seq 201 229) $(seq 231 254); do : >10.200.0.$i; done")
                  .exit_code,
              0);
    remember();
    const Verified run = verify();
    EXPECT_EQ(run.exit_code, 0) << run.report["diagnoses"];
    const std::string checks = run.report["checks"].dump();
    EXPECT_NE(checks.find("pod-icmp/node-0/pod node-0 → pod node-0\""), std::string::npos)
        << "the second pod has the other one";
    expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Labs, Packets, testing::Values(Variant{true, true}, Variant{false, false}),
                         variant_name);

INSTANTIATE_TEST_SUITE_P(Labs, KilledRuns,
                         testing::Values(Variant{true, true}, Variant{false, true}, Variant{false, false}),
                         variant_name);

// Before the first pod, where nothing on the hosts speaks of another network.
class TinyNetworks : public Packets {};

TEST_P(TinyNetworks, HaveNoRoomForAPod) {
    for (const int length : {31, 32}) {
        ASSERT_EQ(in("jumpbox",
                     fmt::format("sed -i 's|10.200.0.0/[0-9]*|10.200.0.0/{}|' /root/machines.txt", length))
                      .exit_code,
                  0);
        remember();
        const Verified run = verify();
        EXPECT_EQ(run.exit_code, 3) << run.errors;
        EXPECT_EQ(run.errors_named(), (std::vector<std::string>{"probe-unavailable@node-0"})) << length;
        EXPECT_TRUE(run.says_why("node-0", "has no room for a pod beside its gateway")) << run.report;
        expect_unknown_is_only(run, "node-0");
        expect_nothing_left();
    }
}

class TinyIpv6Networks : public Packets {};

// The pods of the other family are tested all the same.
TEST_P(TinyIpv6Networks, HaveNoRoomForAPod) {
    for (const int length : {127, 128}) {
        ASSERT_EQ(in("jumpbox", fmt::format("sed -i 's|node-0 fd00:.*|node-0 fd00:10:200::/{}|' "
                                            "/root/machines.txt",
                                            length))
                      .exit_code,
                  0);
        remember();
        const Verified run = verify();
        EXPECT_EQ(run.exit_code, 3) << run.errors;
        EXPECT_EQ(run.errors_named(), (std::vector<std::string>{"probe-unavailable@node-0"})) << length;
        EXPECT_TRUE(run.says_why("node-0", "has no room for a pod beside its gateway")) << run.report;
        std::size_t unknown = 0, passed = 0;
        for (const auto& check : run.report.at("checks")) {
            if (check.at("layer") != "tcp" && check.at("layer") != "icmp") continue;
            const auto subject = check.at("subject").get<std::string>();
            const bool about =
                subject.find("pod node-0") != std::string::npos && subject.find("IPv6") != std::string::npos;
            EXPECT_EQ(check.at("status") == "unknown", about) << check;
            unknown += about ? 1 : 0;
            passed += check.at("status") == "pass" ? 1 : 0;
        }
        EXPECT_GT(unknown, 0U);
        EXPECT_GT(passed, 0U);
        expect_nothing_left();
    }
}

INSTANTIATE_TEST_SUITE_P(Labs, TinyIpv6Networks, testing::Values(Variant{false, true}), variant_name);
INSTANTIATE_TEST_SUITE_P(Labs, TinyNetworks, testing::Values(Variant{false, false}), variant_name);

}  // namespace
}  // namespace podroute::lab
