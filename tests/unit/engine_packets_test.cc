// Loss intervals, and what a person calls an end of a pair.
#include <gtest/gtest.h>

#include "engine/endpoint_names.h"
#include "engine/loss.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;

// Values as R's binom.test() gives them.
TEST(LossInterval, IsThatOfClopperAndPearson) {
    EXPECT_NEAR(loss_interval(1, 20).lower, 0.00127, 0.00001);
    EXPECT_NEAR(loss_interval(1, 20).upper, 0.24873, 0.00001);
    EXPECT_NEAR(loss_interval(2, 20).lower, 0.01235, 0.00001);
    EXPECT_NEAR(loss_interval(8, 20).lower, 0.19119, 0.00001);
    EXPECT_NEAR(loss_interval(8, 20).upper, 0.63946, 0.00001);
}

TEST(LossInterval, HasOpenEnds) {
    EXPECT_EQ(loss_interval(0, 3).lower, 0);
    EXPECT_NEAR(loss_interval(0, 3).upper, 0.70760, 0.00001);
    EXPECT_NEAR(loss_interval(20, 20).lower, 0.83157, 0.00001);
    EXPECT_EQ(loss_interval(20, 20).upper, 1);
    EXPECT_EQ(loss_interval(5, 3).lower, loss_interval(3, 3).lower);
    EXPECT_EQ(loss_interval(0, 0).lower, 0);
    EXPECT_EQ(loss_interval(0, 0).upper, 1);
}

TEST(ResolvePair, TakesNamesAndAddresses) {
    const Cluster cluster({.nodes = 2, .ipv6 = true});
    const Inventory& inventory = cluster.snapshot.inventory;
    const auto names = resolve_pair(inventory, "node-0", "node-1.kubernetes.local");
    ASSERT_TRUE(names);
    EXPECT_EQ(names->first, (Endpoint{"node-0", Vantage::pod, address("10.200.0.2")}));
    EXPECT_EQ(names->second, (Endpoint{"node-1", Vantage::pod, address("10.200.1.2")}));
    const auto control = resolve_pair(inventory, "server", "10.200.1.7");
    ASSERT_TRUE(control);
    EXPECT_EQ(control->first, (Endpoint{"server", Vantage::node, address("10.240.0.10")}));
    EXPECT_EQ(control->second, (Endpoint{"node-1", Vantage::pod, address("10.200.1.7")}));
    // One IPv6 address makes the other end's IPv6 too.
    const auto ipv6 = resolve_pair(inventory, "node-0", "fd00:10:200:1::7");
    ASSERT_TRUE(ipv6);
    EXPECT_EQ(ipv6->first.address.family(), Family::v6);
}

TEST(ResolvePair, SaysWhatIsWrong) {
    const Cluster cluster(2);
    const Inventory& inventory = cluster.snapshot.inventory;
    const auto unknown = resolve_pair(inventory, "node-7", "node-1");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().text.find("server, node-0, node-1"), std::string::npos) << unknown.error().text;
    EXPECT_FALSE(resolve_pair(inventory, "node-0", "192.0.2.1"));
    EXPECT_FALSE(resolve_pair(inventory, "10.240.0.20", "10.240.0.21"));
    EXPECT_FALSE(resolve_pair(inventory, "node-0", "fd00::1"));
    EXPECT_FALSE(resolve_pair(inventory, "", "node-1"));
}

}  // namespace
}  // namespace podroute
