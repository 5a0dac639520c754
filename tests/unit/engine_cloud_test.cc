// Which cloud the hosts say they are in, and what it is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/cloud.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using ::testing::AnyOf;
using testing::Cluster;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Cloud cloud_with(const std::string& host, const Firmware& firmware) {
    Cluster cluster(2);
    cluster.snapshot.hosts.at(host)->firmware = firmware;
    return cloud_of(cluster.snapshot);
}

TEST(CloudOf, IsWhatTheFirmwareSays) {
    EXPECT_EQ(cloud_with("node-1", {"Amazon EC2", "m7i.large", "Amazon EC2"}), Cloud::aws);
    EXPECT_EQ(cloud_with("server", {"Google", "Google Compute Engine", ""}), Cloud::gcloud);
    EXPECT_EQ(cloud_with("node-0", {"OpenStack Foundation", "OpenStack Nova", ""}), Cloud::openstack);
    EXPECT_EQ(cloud_with("node-0", {"Red Hat", "OpenStack Compute", ""}), Cloud::openstack);
    EXPECT_EQ(cloud_with("node-0",
                         {"Microsoft Corporation", "Virtual Machine", "7783-7084-3265-9085-8269-3286-77"}),
              Cloud::azure);
}

TEST(CloudOf, IsAzureWhereNothingIsSaid) {
    EXPECT_EQ(cloud_with("node-0", {}), Cloud::azure);
    EXPECT_EQ(cloud_with("node-0", {"QEMU", "Standard PC (Q35 + ICH9, 2009)", ""}), Cloud::azure);
    Cluster cluster(2);
    for (auto& [name, facts] : cluster.snapshot.hosts) facts = Unknown{"no answer", "", ""};
    EXPECT_EQ(cloud_of(cluster.snapshot), Cloud::azure);
}

TEST(CloudCommands, NameTheHostItsNetworksAndItsAddress) {
    const Cluster cluster({.nodes = 2, .ipv6 = true});
    const Inventory& inventory = cluster.snapshot.inventory;
    EXPECT_THAT(card_commands(Cloud::azure, inventory, "node-1", Family::v4),
                ElementsAre("az network nic update -g GROUP -n NIC_OF_node-1 --ip-forwarding true"));
    EXPECT_THAT(card_commands(Cloud::openstack, inventory, "node-1", Family::v6),
                ElementsAre("openstack port set PORT_OF_node-1 --allowed-address "
                            "ip-address=fd00:10:200:1::/64"));
    EXPECT_THAT(route_commands(Cloud::azure, inventory, "node-1", Family::v4),
                ElementsAre("az network route-table route create -g GROUP --route-table-name TABLE -n "
                            "pods-node-1 --address-prefix 10.200.1.0/24 --next-hop-type VirtualAppliance "
                            "--next-hop-ip-address 10.240.0.21"));
    EXPECT_THAT(route_commands(Cloud::aws, inventory, "node-1", Family::v6),
                ElementsAre("aws ec2 create-route --route-table-id TABLE --destination-ipv6-cidr-block "
                            "fd00:10:200:1::/64 --instance-id INSTANCE_OF_node-1"));
}

TEST(CloudCommands, CorrectAnEntryThatIsThere) {
    const Cluster cluster(2);
    EXPECT_THAT(correct_route_commands(Cloud::aws, cluster.snapshot.inventory, "node-0", Family::v4),
                ElementsAre("aws ec2 replace-route --route-table-id TABLE --destination-cidr-block "
                            "10.200.0.0/24 --instance-id INSTANCE_OF_node-0"));
}

TEST(CloudCommands, OfEveryCloudAreFilledIn) {
    const Cluster cluster({.nodes = 2, .ipv6 = true});
    for (const Cloud cloud : {Cloud::azure, Cloud::aws, Cloud::gcloud, Cloud::openstack})
        for (const Family family : {Family::v4, Family::v6}) {
            auto all = card_commands(cloud, cluster.snapshot.inventory, "node-0", family);
            for (const auto& more : route_commands(cloud, cluster.snapshot.inventory, "node-0", family))
                all.push_back(more);
            EXPECT_EQ(all.size(), 2U);
            // A router of OpenStack knows addresses alone.
            EXPECT_THAT(all, Each(AnyOf(HasSubstr("node-0"), HasSubstr("gateway="))));
            EXPECT_THAT(all, Each(Not(HasSubstr("CIDR"))));
            EXPECT_THAT(all, Each(Not(HasSubstr("NODE"))));
            EXPECT_FALSE(filter_command(cloud).empty());
        }
}

TEST(CloudCommands, AreNoneForAHostWithoutPods) {
    const Cluster cluster(2);
    EXPECT_THAT(card_commands(Cloud::azure, cluster.snapshot.inventory, "server", Family::v4), IsEmpty());
    EXPECT_THAT(route_commands(Cloud::azure, cluster.snapshot.inventory, "node-9", Family::v4), IsEmpty());
    EXPECT_THAT(route_commands(Cloud::azure, cluster.snapshot.inventory, "node-0", Family::v6), IsEmpty());
}

}  // namespace
}  // namespace podroute
