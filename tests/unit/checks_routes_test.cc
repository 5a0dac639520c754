// What the checks of routes tell a person, and what they yield to.
#include <gtest/gtest.h>

#include "tests/unit/checks_verdicts.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute::testing {
namespace {

constexpr const char* kOwn = "pod-cidr-own";

CniConfig cni(const Lines& subnets) {
    CniConfig config;
    config.networks.push_back({"/etc/cni/net.d/10-bridge.conf", "bridge", "bridge", "cnio0", subnets, true});
    return config;
}

TEST(RoutePresent, SaysWhyItIsSkippedWhereTheFabricRoutes) {
    Cluster cluster(2);
    cluster.snapshot.policy.routing = Routing::fabric;
    const Verdict verdict = verdict_of(cluster.snapshot, "route-present", "node-0");
    EXPECT_EQ(verdict.status, Status::skip);
    EXPECT_FALSE(verdict.message.empty());
}

TEST(RoutePresent, ExpectedAndFoundStandSideBySide) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    const Verdict verdict = verdict_of(cluster.snapshot, "route-present", "node-0", "10.200.1.0/24");
    EXPECT_EQ(verdict.status, Status::fail);
    EXPECT_EQ(verdict.expected, "10.200.1.0/24 via 10.240.0.21");
    EXPECT_FALSE(verdict.observed.empty());
}

TEST(PodCidrOwn, APlaceholderIsReplacedWhereItStands) {
    Cluster cluster({.nodes = 2, .bridge = false});
    cluster.facts("node-0").cni = cni({"SUBNET"});
    const Cause cause = cause_of(cluster.snapshot, kOwn, "node-0");
    EXPECT_NE(cause.summary.find("placeholder SUBNET"), std::string::npos) << cause.summary;
    EXPECT_EQ(cause.commands,
              Lines{"ssh root@node-0 sed -i s#SUBNET#10.200.0.0/24# /etc/cni/net.d/10-bridge.conf"});
}

TEST(PodCidrOwn, AHostileConfigurationNeverGetsIntoACommand) {
    Cluster cluster({.nodes = 2, .bridge = false});
    cluster.facts("node-0").cni = cni({"$(reboot)"});
    EXPECT_TRUE(cause_of(cluster.snapshot, kOwn, "node-0").commands.empty());
}

TEST(PodCidrOwn, HostBitsInAConfigurationDoNotMatter) {
    Cluster cluster(2);
    cluster.facts("node-0").cni = cni({"10.200.0.1/24"});
    EXPECT_EQ(verdict_of(cluster.snapshot, kOwn, "node-0").status, Status::pass);
}

TEST(PodCidrOwn, ASubnetOfOneFamilySaysNothingOfTheOther) {
    Cluster cluster({.nodes = 2, .ipv6 = true});
    cluster.facts("node-0").cni = cni({"10.200.0.0/24"});
    for (const Verdict& verdict : run_check(cluster.snapshot, kOwn)) EXPECT_EQ(verdict.status, Status::pass);
}

TEST(PodCidrOwn, ASelfRouteIsTakenOut) {
    Cluster cluster({.nodes = 2, .bridge = false});
    cluster.add_route("node-0", via("10.200.0.0/24", "10.240.0.21"));
    const Cause cause = cause_of(cluster.snapshot, kOwn, "node-0");
    EXPECT_EQ(cause.automatic, Automatic::repair);
    EXPECT_EQ(cause.commands, Lines{"ssh root@node-0 ip route del 10.200.0.0/24 via 10.240.0.21"});
}

TEST(PodCidrOwn, AnUnreadConfigurationIsNoPass) {
    Cluster cluster({.nodes = 2, .bridge = false});
    cluster.facts("node-0").cni = Unknown{"permission denied", "", ""};
    EXPECT_EQ(verdict_of(cluster.snapshot, kOwn, "node-0").status, Status::unknown);
    CniConfig config;
    config.unreadable = {"/etc/cni/net.d/10-bridge.conf: permission denied"};
    cluster.facts("node-0").cni = config;
    EXPECT_EQ(verdict_of(cluster.snapshot, kOwn, "node-0").status, Status::unknown);
}

TEST(PodCidrsDisjoint, TheLaterLineIsTheOneAtFault) {
    Cluster cluster(2);
    cluster.snapshot.inventory.hosts[2].pod_cidrs[0] = prefix("10.200.0.0/25");
    const Cause cause = cause_of(cluster.snapshot, "pod-cidrs-disjoint", "node-1");
    EXPECT_EQ(cause.host, "node-1");
    EXPECT_EQ(cause.subject, "10.200.0.0/24 and 10.200.0.0/25");
    EXPECT_EQ(cause.commands, Lines{"${EDITOR:-vi} +3 machines.txt"});
    EXPECT_EQ(verdict_of(cluster.snapshot, "pod-cidrs-disjoint", "node-0").status, Status::pass);
}

}  // namespace
}  // namespace podroute::testing
