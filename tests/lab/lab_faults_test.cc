// Every fault changes a lab, and mending puts back exactly what was there.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "fixtures/lab/lab.h"
#include "fixtures/lab/residue.h"

namespace podroute::lab {
namespace {

std::string joined(const std::vector<std::string>& lines) {
    return fmt::format("{}", fmt::join(lines, "\n"));
}

// Routes, links that are up, and filters of what is between the hosts.
std::string fabric_state(const RunIn& run) {
    return run("fabric",
               {"sh", "-c",
                "ip route show table all | sort; ip -6 route show table all | sort; ip -br addr show; "
                "nft list ruleset; ls /run"},
               {})
        .output;
}

void break_and_mend_all(LabOptions o) {
    o.name = fmt::format("test-faults-{}", getpid());
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    const auto& topology = (*lab)->topology();
    const RunIn run = [&](const std::string& host, const std::vector<std::string>& argv,
                          const std::string& input) { return (*lab)->run(host, argv, input); };
    const auto before = read_states(topology, run);
    ASSERT_TRUE(before) << before.error().text;
    const std::string fabric = fabric_state(run);
    for (const Fault& fault : all_faults()) {
        if (!not_applicable(fault, topology).empty()) continue;
        SCOPED_TRACE(fault.name);
        const auto at = place(fault, topology, {});
        ASSERT_TRUE(at) << at.error().text;
        const auto broken = break_hosts(fault, topology, *at, run);
        EXPECT_TRUE(broken) << broken.error().where << ": " << broken.error().text;
        if (fault.steps.size() == 1 && fault.steps[0].at != At::fabric) {
            const auto now = read_states(topology, run);
            ASSERT_TRUE(now) << now.error().text;
            EXPECT_FALSE(differences(*before, *now).empty()) << "it changes nothing";
        }
        if (fault.steps.size() == 1 && fault.steps[0].at == At::fabric) {
            EXPECT_NE(fabric_state(run), fabric) << "it changes nothing";
        }
        const auto mended = mend_hosts(fault, topology, *at, run);
        EXPECT_TRUE(mended) << mended.error().where << ": " << mended.error().text;
        const auto left = settled_differences(*before, topology, run, std::chrono::seconds(3));
        ASSERT_TRUE(left) << left.error().text;
        EXPECT_EQ(joined(*left), "");
        EXPECT_EQ(fabric_state(run), fabric);
    }
}

TEST(LabFaults, MendRestoresDualStackWithBridge) {
    LabOptions o;
    o.ipv6 = true;
    break_and_mend_all(o);
}

TEST(LabFaults, MendRestoresFourNodesWithoutBridge) {
    LabOptions o;
    o.nodes = 4;
    o.cni = false;
    break_and_mend_all(o);
}

TEST(LabFaults, MendRestoresTheRoutedFabric) {
    LabOptions o;
    o.ipv6 = true;
    o.fabric = Fabric::l3;
    break_and_mend_all(o);
}

// As a person does who follows the printed commands, and mends the lab afterwards.
TEST(LabFaults, MendRestoresTheRestWhereSomebodyMendedByHand) {
    LabOptions o;
    o.name = fmt::format("test-hand-{}", getpid());
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    const auto& topology = (*lab)->topology();
    const RunIn run = [&](const std::string& host, const std::vector<std::string>& argv,
                          const std::string& input) { return (*lab)->run(host, argv, input); };
    const auto before = read_states(topology, run);
    ASSERT_TRUE(before) << before.error().text;
    for (const auto& [name, command] : std::vector<std::pair<std::string, std::string>>{
             {"rule-diverted-vpn", "ip rule del pref 1000"},
             {"route-missing", "ip route add 10.200.1.0/24 via 10.240.0.21"},
             {"route-blackhole", "ip route del 10.200.1.0/24; ip route add 10.200.1.0/24 via 10.240.0.21"},
             {"route-partial", "ip route add 10.200.1.0/24 via 10.240.0.21"},
             {"route-shadowed-docker", "ip address del 10.200.1.129/26 dev docker0"},
             {"neighbour-wrong", "ip neigh del 10.240.0.21 dev eth0"},
             {"forwarding-disabled", "sysctl -qw net.ipv4.ip_forward=1"}}) {
        SCOPED_TRACE(name);
        const Fault* fault = find_fault(name);
        ASSERT_NE(fault, nullptr);
        const auto at = place(*fault, topology, {});
        ASSERT_TRUE(at);
        ASSERT_TRUE(break_hosts(*fault, topology, *at, run));
        ASSERT_EQ(run("node-0", {"sh", "-c", command}, {}).exit_code, 0);
        const auto mended = mend_hosts(*fault, topology, *at, run);
        EXPECT_TRUE(mended) << mended.error().text;
        const auto left = settled_differences(*before, topology, run, std::chrono::seconds(3));
        ASSERT_TRUE(left) << left.error().text;
        EXPECT_EQ(joined(*left), "");
    }
}

TEST(LabFaults, AStepThatCannotBeTakenBackIsToldAndTheOthersAreTakenBack) {
    LabOptions o;
    o.name = fmt::format("test-stuck-{}", getpid());
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    const RunIn run = [&](const std::string& host, const std::vector<std::string>& argv,
                          const std::string& input) { return (*lab)->run(host, argv, input); };
    Fault fault = *find_fault("route-missing");
    fault.steps[0].undo = "echo it is stuck >&2; false\nip route add $PN4 via $P4";
    const auto at = place(fault, (*lab)->topology(), {});
    ASSERT_TRUE(at);
    ASSERT_TRUE(break_hosts(fault, (*lab)->topology(), *at, run));
    const auto mended = mend_hosts(fault, (*lab)->topology(), *at, run);
    ASSERT_FALSE(mended);
    EXPECT_NE(mended.error().text.find("it is stuck"), std::string::npos) << mended.error().text;
    EXPECT_NE(run("node-0", {"ip", "route", "show", "10.200.1.0/24"}, {}).output, "");
}

// The second NIC must really make the kernel drop, or the fault would be one by name only.
TEST(LabFaults, StrictReversePathFilterDropsByTheKernelsOwnAnswer) {
    LabOptions o;
    o.name = fmt::format("test-rp-{}", getpid());
    const auto lab = Lab::up(o);
    ASSERT_TRUE(lab) << lab.error().text;
    const RunIn run = [&](const std::string& host, const std::vector<std::string>& argv,
                          const std::string& input) { return (*lab)->run(host, argv, input); };
    const Fault* fault = find_fault("rp-filter-drop");
    ASSERT_NE(fault, nullptr);
    const auto at = place(*fault, (*lab)->topology(), {});
    ASSERT_TRUE(at);
    const std::vector<std::string> ask{"ip",   "route",      "get", "10.200.0.2",
                                       "from", "10.200.1.2", "iif", "eth0"};
    EXPECT_EQ(run("node-0", ask, {}).exit_code, 0);
    ASSERT_TRUE(break_hosts(*fault, (*lab)->topology(), *at, run));
    const auto refused = run("node-0", ask, {});
    EXPECT_NE(refused.exit_code, 0);
    EXPECT_TRUE(refused.errors.find("Invalid argument") != std::string::npos ||
                refused.errors.find("cross-device") != std::string::npos)
        << refused.errors;
    EXPECT_NE(run("pod-1", {"ping", "-c", "1", "-W", "1", "10.200.0.2"}, {}).exit_code, 0);
    ASSERT_TRUE(mend_hosts(*fault, (*lab)->topology(), *at, run));
    EXPECT_EQ(run("pod-1", {"ping", "-c", "1", "-W", "2", "10.200.0.2"}, {}).exit_code, 0);
}

}  // namespace
}  // namespace podroute::lab
