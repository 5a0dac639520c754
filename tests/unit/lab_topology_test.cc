// The texts that a lab's fabric is made from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "fixtures/lab/topology.h"

namespace podroute::lab {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Topology lab_of(Fabric fabric, bool ipv6 = false, bool route_table = true, unsigned nodes = 2) {
    LabOptions options;
    options.fabric = fabric;
    options.ipv6 = ipv6;
    options.route_table = route_table;
    options.nodes = nodes;
    return *make_topology(options);
}

// Lines of the fabric's batch; every host has a process.
std::vector<std::string> batch_of(const Topology& topology) {
    std::istringstream text(fabric_batch(topology, std::vector<int>(topology.hosts.size(), 1)));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

std::size_t with(const std::vector<std::string>& lines, const std::string& text) {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.find(text) != std::string::npos;
    }));
}

TEST(LabTopology, TheSwitchKnowsNoRouteAndTheRouterHasNoBridge) {
    const auto l2 = batch_of(lab_of(Fabric::l2, true)), l3 = batch_of(lab_of(Fabric::l3, true));
    EXPECT_EQ(with(l2, "route add"), 0U);
    EXPECT_EQ(with(l2, "master sw0"), 4U);
    EXPECT_EQ(with(l3, "sw0"), 0U);
}

TEST(LabTopology, TheRouterHasOneMacAndARouteToEachHost) {
    const auto lines = batch_of(lab_of(Fabric::l3));
    EXPECT_EQ(with(lines, std::string("address ") + kFabricMac), 4U);
    EXPECT_THAT(lines, Contains("route add 10.240.0.20 dev p2"));
    EXPECT_THAT(lines, Contains("route add 10.240.0.10 dev p1"));
}

TEST(LabTopology, TheRouteTableSendsEachPodNetworkToItsNode) {
    const auto lines = batch_of(lab_of(Fabric::l3, true));
    EXPECT_THAT(lines, Contains("route add 10.200.0.0/24 via 10.240.0.20 dev p2"));
    EXPECT_THAT(lines, Contains("route add 10.200.1.0/24 via 10.240.0.21 dev p3"));
    EXPECT_THAT(lines, Contains("route add fd00:10:200:1::/64 via fd00:10:240::15 dev p3"));
    EXPECT_EQ(with(lines, " via "), 4U);
}

TEST(LabTopology, WithoutARouteTablePodNetworksAreDroppedInSilence) {
    const auto lines = batch_of(lab_of(Fabric::l3, true, false));
    EXPECT_EQ(with(lines, "10.200."), 0U);
    EXPECT_EQ(with(lines, "fd00:10:200:"), 0U);
    EXPECT_THAT(lines, Contains("route add blackhole 0.0.0.0/0"));
    EXPECT_THAT(lines, Contains("route add blackhole ::/0"));
    EXPECT_EQ(with(batch_of(lab_of(Fabric::l3, false, false)), "::"), 0U);
}

TEST(LabTopology, CardsThatForwardNothingAreHeldToTheirOwnAddresses) {
    const std::string l3 = fabric_nft(lab_of(Fabric::l3, true)), l2 = fabric_nft(lab_of(Fabric::l2));
    EXPECT_THAT(l3, HasSubstr("set from_own_only { type ifname; elements = { p0, p1 } }"));
    EXPECT_THAT(l3, HasSubstr("set to_own_only { type ifname; elements = { p0, p1 } }"));
    EXPECT_THAT(l3, HasSubstr("p3 . 10.240.0.21"));
    EXPECT_THAT(l3, HasSubstr("p3 . fd00:10:240::15"));
    EXPECT_THAT(l2, HasSubstr("set from_own_only { type ifname; }"));
    EXPECT_THAT(l2, HasSubstr("set own6 { type ifname . ipv6_addr; }"));
}

TEST(LabTopology, EveryPortIsWatchedInBothDirections) {
    const std::string text = fabric_nft(lab_of(Fabric::l2));
    EXPECT_THAT(text, HasSubstr("hook ingress devices = { p0, p1, p2, p3 }"));
    EXPECT_THAT(text, HasSubstr("hook egress devices = { p0, p1, p2, p3 }"));
}

TEST(LabTopology, LargeLabsHaveThePermanentNeighboursOfTheirFabric) {
    const auto l2 = lab_of(Fabric::l2, false, true, 30), l3 = lab_of(Fabric::l3, false, true, 30);
    const std::string own = "lladdr " + l2.hosts[3].mac, fabric = std::string("lladdr ") + kFabricMac;
    EXPECT_THAT(host_batch(l2, l2.hosts[2], 0), HasSubstr(own));
    EXPECT_THAT(host_batch(l3, l3.hosts[2], 0), HasSubstr(fabric));
    EXPECT_THAT(host_batch(l3, l3.hosts[2], 0), Not(HasSubstr(own)));
    const auto small = lab_of(Fabric::l3);
    EXPECT_THAT(host_batch(small, small.hosts[2], 0), Not(HasSubstr("permanent")));
}

}  // namespace
}  // namespace podroute::lab
