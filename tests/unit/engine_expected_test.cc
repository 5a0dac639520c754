// What the inventory demands.
#include <gtest/gtest.h>

#include "engine/expected.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::prefix;

TEST(Expected, EveryHostNeedsEveryPeerNetwork) {
    const Expected expected = expect(Cluster(2).snapshot.inventory);
    ASSERT_EQ(expected.routes.size(), 4U);
    EXPECT_EQ(expected.routes[0],
              (ExpectedRoute{"server", prefix("10.200.0.0/24"), "node-0", address("10.240.0.20")}));
    EXPECT_EQ(expected.routes[2],
              (ExpectedRoute{"node-0", prefix("10.200.1.0/24"), "node-1", address("10.240.0.21")}));
    EXPECT_TRUE(expected.overlaps.empty());
}

TEST(Expected, CommandsAreTheTutorials) {
    const Cluster cluster({.nodes = 2, .ipv6 = true});
    const Expected expected = expect(cluster.snapshot.inventory);
    ASSERT_EQ(expected.routes.size(), 8U);
    EXPECT_EQ(route_add_command(expected.routes[4]), "ip route add 10.200.1.0/24 via 10.240.0.21");
    EXPECT_EQ(route_add_command(expected.routes[5]),
              "ip -6 route add fd00:10:200:1::/64 via fd00:10:240::15");
}

TEST(Expected, NoRouteForAFamilyTheHostHasNoAddressOf) {
    Cluster cluster({.nodes = 2, .ipv6 = true});
    cluster.snapshot.inventory.hosts[0].addresses.pop_back();  // server is IPv4 only
    for (const ExpectedRoute& route : expect(cluster.snapshot.inventory).routes)
        EXPECT_FALSE(route.host == "server" && route.pod_cidr.family() == Family::v6);
}

TEST(Expected, OverlapsBlameTheLaterLine) {
    Cluster cluster(2);
    cluster.snapshot.inventory.hosts[2].pod_cidrs = {prefix("10.200.0.0/16")};
    const auto overlaps = expect(cluster.snapshot.inventory).overlaps;
    ASSERT_EQ(overlaps.size(), 1U);
    EXPECT_EQ(overlaps[0],
              (Overlap{prefix("10.200.0.0/24"), prefix("10.200.0.0/16"), "node-0", "node-1", false}));
}

TEST(Expected, ACidrOverANodeAddressIsAnOverlap) {
    Cluster cluster(2);
    cluster.snapshot.inventory.hosts[2].pod_cidrs = {prefix("10.240.0.16/29")};
    const auto overlaps = expect(cluster.snapshot.inventory).overlaps;
    ASSERT_EQ(overlaps.size(), 2U);  // node-0 (.20) and node-1 itself (.21)
    EXPECT_TRUE(overlaps[0].covers_node);
    EXPECT_EQ(overlaps[0].second, prefix("10.240.0.20/32"));
    EXPECT_EQ(overlaps[0].second_host, "node-0");
}

}  // namespace
}  // namespace podroute
