// Whose bridge the own pod network is on, and what its owner is told to look at.
#include <algorithm>

#include "tests/unit/checks_verdicts.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::cause_of;
using testing::Cluster;
using testing::kCnio0;

// Pods to come get a second bridge with the same network; the route of this one is not what is wrong.
TEST(PodCidrOwn, OnABridgeThatTheConfigurationDoesNotName) {
    Cluster cluster(2);
    cluster.facts("node-0").cni->networks = {
        {"10-bridge.conf", "bridge", "bridge", "cnio0", {"10.200.0.0/24"}}};
    (*cluster.facts("node-0").links)[2].name = "br-pods";
    const Cause cause = cause_of(cluster.snapshot, "pod-cidr-own", "node-0");
    EXPECT_EQ(cause.code, "pod-cidr-mismatch");
    EXPECT_EQ(cause.summary,
              "the pod network of node-0 is on the bridge br-pods, but the CNI configuration names cnio0");
    EXPECT_EQ(cause.commands, (std::vector<std::string>{"ssh root@node-0 ip address show dev br-pods"}));
    EXPECT_EQ(cause.automatic, Automatic::never);
}

TEST(PodCidrOwn, OnTwoBridges) {
    Cluster cluster(2);
    cluster.add_link("node-0", 7, "docker0", "bridge");
    cluster.add_address("node-0", "10.200.0.1", 24, 7);
    auto& routes = *cluster.facts("node-0").routes;
    const auto own = std::find_if(routes.begin(), routes.end(), [](const Route& route) {
        return !route.next_hops.empty() && route.next_hops.front().ifindex == kCnio0;
    });
    ASSERT_NE(own, routes.end());
    own->next_hops.front().ifindex = 7;
    const Cause cause = cause_of(cluster.snapshot, "pod-cidr-own", "node-0");
    EXPECT_EQ(cause.summary, "two bridges of node-0 carry its pod network: docker0 wins over cnio0");
    EXPECT_EQ(cause.commands, (std::vector<std::string>{"ssh root@node-0 ip address show dev docker0"}));
}

}  // namespace
}  // namespace podroute
