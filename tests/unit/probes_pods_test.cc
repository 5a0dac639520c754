// Which pods are opened, at which addresses.
#include <gtest/gtest.h>

#include "model/pod_room.h"
#include "probes/pod_address.h"
#include "probes/pod_plan.h"
#include "tests/unit/probes_frames.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::kCnio0;
using testing::prefix;

const auto kNoneTaken = [](const Address&) { return false; };

TEST(PodAddress, IsInTheTopQuarterAndNeverReserved) {
    testing::holds([] {
        const bool v4 = *rc::gen::arbitrary<bool>();
        const auto length = *rc::gen::inRange(8U, v4 ? 31U : 127U);
        const Prefix cidr(testing::any_address(v4), length);
        const Seeded seed(*rc::gen::arbitrary<std::uint64_t>());
        const auto gateway = cidr.first_usable();
        const auto taken = [&](const Address& a) { return a == gateway; };
        const auto picked = pick_pod_address(cidr, seed, taken);
        RC_ASSERT(picked.has_value());
        RC_ASSERT(cidr.contains(*picked) && *picked != gateway);
        RC_ASSERT(cidr.first_usable() <= *picked && *picked <= cidr.last_usable());
        RC_ASSERT(*picked == *pick_pod_address(cidr, seed, taken));
        // Both upper host bits are set in a large network; a small one's usable addresses are counted.
        const unsigned host_bits = cidr.network().bits() - length;
        if (host_bits > 10)
            RC_ASSERT(picked->bit(length) && picked->bit(length + 1));
        else if (v4)
            RC_ASSERT(picked->v4_value() - gateway.v4_value() >= ((1U << host_bits) - 2) * 3 / 4);
    });
}

TEST(PodAddress, GoesThroughASmallNetworkUntilNoneIsFree) {
    const auto cidr = prefix("10.200.0.0/28");
    std::set<Address> taken;
    while (const auto picked =
               pick_pod_address(cidr, Seeded(1), [&](const Address& a) { return taken.contains(a); }))
        ASSERT_TRUE(taken.insert(*picked).second);
    EXPECT_EQ(taken, (std::set<Address>{address("10.200.0.11"), address("10.200.0.12"),
                                        address("10.200.0.13"), address("10.200.0.14")}));
}

TEST(PodAddress, ATinyNetworkHasNoRoom) {
    for (const auto* cidr : {"10.200.0.0/31", "10.200.0.0/32", "fd00::/127", "fd00::/128"}) {
        const auto picked = pick_pod_address(prefix(cidr), Seeded(1), kNoneTaken);
        ASSERT_FALSE(picked) << cidr;
        EXPECT_EQ(picked.error().code, "no-free-address");
    }
    EXPECT_EQ(*pick_pod_address(prefix("10.200.0.0/30"), Seeded(1), kNoneTaken), address("10.200.0.2"));
}

PodPlan plan(const Cluster& cluster, const HostId& host = "node-0", bool neighbour = true,
             unsigned attempt = 0) {
    return plan_pods(cluster.snapshot, *cluster.snapshot.inventory.find(host),
                     *cluster.snapshot.hosts.at(host), {}, attempt, neighbour);
}

TEST(PodPlan, JoinsTheBridgeThatCarriesTheNetworkWhateverItsName) {
    Cluster cluster({.ipv6 = true});
    (*cluster.facts("node-0").links)[2].name = "br-of-mine";
    const auto pods = plan(cluster).pods;
    ASSERT_EQ(pods.size(), 2U);  // and one beside it
    EXPECT_EQ(pods[0].number, 1U);
    EXPECT_EQ(pods[1].number, 2U);
    EXPECT_EQ(pods[0].bridge, "br-of-mine");
    EXPECT_EQ(pods[0].networks, (std::vector{prefix("10.200.0.0/24"), prefix("fd00:10:200::/64")}));
    EXPECT_EQ(pods[0].gateways, (std::vector{address("10.200.0.1"), address("fd00:10:200::1")}));
    ASSERT_EQ(pods[0].addresses.size(), 2U);
    EXPECT_NE(pods[0].addresses[0], pods[1].addresses[0]);
    EXPECT_EQ(pods[0].link.size(), 12U);
    EXPECT_LT(pods[0].link.size(), 16U);  // IFNAMSIZ
    EXPECT_NE(pods[0].link, pods[1].link);
    EXPECT_EQ(pods[0].uplink, "eth0");
}

TEST(PodPlan, WithoutABridgeItIsPointToPoint) {
    const auto pods = plan(Cluster({.bridge = false})).pods;
    ASSERT_EQ(pods.size(), 2U);
    EXPECT_TRUE(pods[0].bridge.empty() && pods[0].networks.empty() && pods[0].gateways.empty());
    EXPECT_EQ(pods[0].addresses.size(), 1U);
}

TEST(PodPlan, FamiliesOnDifferentLinksAreDifferentPods) {
    Cluster cluster({.ipv6 = true});
    std::erase_if(*cluster.facts("node-0").addresses,
                  [](const InterfaceAddress& a) { return a.ifindex == kCnio0 && !a.address.is_v4(); });
    const auto pods = plan(cluster, "node-0", false).pods;
    ASSERT_EQ(pods.size(), 2U);
    EXPECT_EQ(pods[0].bridge, "cnio0");
    EXPECT_TRUE(pods[1].bridge.empty());
    EXPECT_FALSE(pods[1].addresses.at(0).is_v4());
}

TEST(PodPlan, AnotherBridgeInsideTheNetworkIsNotJoined) {
    Cluster cluster({.bridge = false});
    cluster.add_link("node-0", 7, "docker0", "bridge");
    cluster.add_address("node-0", "10.200.0.129", 26, 7);
    EXPECT_TRUE(plan(cluster).pods.at(0).bridge.empty());
}

// Of the pods of node-0, in order, when a pair with these ends is asked for.
std::vector<std::string> addresses_for(const std::string& from, const std::string& to,
                                       const std::set<std::string>& given, bool bridge = true) {
    Cluster cluster({.bridge = bridge});
    const auto end = [](const std::string& text) {
        return Endpoint{text.starts_with("10.200.0.") ? "node-0" : "node-1", Vantage::pod, address(text)};
    };
    cluster.snapshot.policy.pair = std::pair(end(from), end(to));
    for (const std::string& text : given) cluster.snapshot.policy.pair_addresses.insert(address(text));
    std::vector<std::string> out;
    for (const PodSpec& pod : plan(cluster).pods) out.push_back(pod.addresses.at(0).to_string());
    return out;
}

TEST(PodPlan, AnAddressThatWasAskedForIsTheirs) {
    EXPECT_EQ(addresses_for("10.200.0.9", "10.200.1.7", {"10.200.0.9", "10.200.1.7"}).at(0), "10.200.0.9");
    EXPECT_EQ(addresses_for("10.200.1.7", "10.200.0.9", {"10.200.0.9"}).at(0), "10.200.0.9");
    // Within a network the second end is the pod beside the first.
    EXPECT_EQ(addresses_for("10.200.0.9", "10.200.0.77", {"10.200.0.9", "10.200.0.77"}),
              (std::vector<std::string>{"10.200.0.9", "10.200.0.77"}));
    const auto second = addresses_for("10.200.0.2", "10.200.0.77", {"10.200.0.77"});
    EXPECT_NE(second.at(0), "10.200.0.77");
    EXPECT_EQ(second.at(1), "10.200.0.77");
    // An end that was named is any pod of the host.
    EXPECT_NE(addresses_for("10.200.0.2", "10.200.1.7", {"10.200.1.7"}).at(0), "10.200.0.2");
}

TEST(PodPlan, AnAddressThatNoPodMayHaveIsNotTakenWhoeverAsks) {
    for (const char* no : {"10.200.0.0", "10.200.0.1", "10.200.0.255"})
        for (const bool bridge : {true, false})
            EXPECT_NE(addresses_for(no, "10.200.1.7", {no}, bridge).at(0), no) << bridge;
}

TEST(PodPlan, AnAddressOfTheHostIsNotPicked) {
    Cluster cluster(2);
    auto& host = cluster.snapshot.inventory.hosts[1];
    host.pod_cidrs = {prefix("10.200.0.0/29")};  // .5 and .6 are its top quarter
    cluster.add_address("node-0", "10.200.0.5", 32, testing::kEth0);
    EXPECT_EQ(plan(cluster).pods.at(0).addresses.at(0), address("10.200.0.6"));
    // Nothing is left for a second pod, and that is said.
    EXPECT_EQ(plan(cluster).pods.size(), 1U);
    EXPECT_EQ(plan(cluster).unavailable.at(0).code, "no-free-address");
    EXPECT_TRUE(plan(cluster, "node-0", false).unavailable.empty());
}

TEST(PodPlan, AnAddressWithARouteOfItsOwnIsNotPicked) {
    Cluster cluster(2);
    cluster.snapshot.inventory.hosts[1].pod_cidrs = {prefix("10.200.0.0/29")};
    Route route;
    route.destination = prefix("10.200.0.6/32");
    route.next_hops = {{std::nullopt, kCnio0, 0, 1}};
    cluster.facts("node-0").routes->push_back(route);
    EXPECT_EQ(plan(cluster).pods.at(0).addresses.at(0), address("10.200.0.5"));
    EXPECT_EQ(plan(cluster).pods.size(), 1U);
}

// So that a network that is nearly full needs luck for one address at a time.
TEST(PodPlan, AnAddressThatWasNotRefusedIsAskedForAgain) {
    Cluster cluster(2);
    HostFindings findings;
    for (const char* text : {"10.200.0.201", "10.200.0.202"}) {
        PodSpec spec;
        spec.addresses = {address(text)};
        findings.asked.push_back(spec);
    }
    RoundResult& round = cluster.snapshot.rounds.emplace_back();
    round.stage = RoundStage::pods;
    round.hosts.emplace("node-0", std::move(findings));
    const auto again = plan_pods(cluster.snapshot, *cluster.snapshot.inventory.find("node-0"),
                                 cluster.facts("node-0"), {address("10.200.0.201")}, 1, true);
    ASSERT_EQ(again.pods.size(), 2U);
    EXPECT_EQ(again.pods[0].addresses, (std::vector{address("10.200.0.202")}));
    EXPECT_NE(again.pods[1].addresses, (std::vector{address("10.200.0.201")}));
    EXPECT_NE(again.pods[1].addresses, (std::vector{address("10.200.0.202")}));
}

TEST(PodPlan, RoomForTwoIsWhereThePickerFindsTwo) {
    for (unsigned length = 18; length <= 32; ++length)
        for (const bool v4 : {true, false}) {
            const auto cidr = v4 ? prefix("10.200.0.0/" + std::to_string(length))
                                 : prefix("fd00::/" + std::to_string(length + 96));
            std::set<Address> picked;
            for (std::uint64_t i = 0; i < 2; ++i)
                if (const auto one = pick_pod_address(cidr, Seeded(i),
                                                      [&](const Address& a) { return picked.contains(a); }))
                    picked.insert(*one);
            EXPECT_EQ(has_room_for_two_pods(cidr), picked.size() == 2) << cidr.to_string();
        }
}

TEST(PodPlan, AttemptsAndRunsDiffer) {
    Cluster cluster(2);
    const auto first = plan(cluster).pods.at(0);
    const auto again = plan(cluster, "node-0", true, 1).pods.at(0);
    EXPECT_NE(first.link, again.link);
    cluster.snapshot.run.id = "fedcba9876543210";
    EXPECT_NE(plan(cluster).pods.at(0).link, first.link);
    EXPECT_NE(plan(cluster, "node-1").pods.at(0).link, first.link);
}

TEST(PodPlan, ControlHostsAndUnprivilegedOnesOpenNone) {
    Cluster cluster(2);
    EXPECT_TRUE(plan(cluster, "server").pods.empty() && plan(cluster, "server").unavailable.empty());
    cluster.facts("node-0").uid = 1000;
    EXPECT_TRUE(plan(cluster).pods.empty());
    EXPECT_EQ(plan(cluster).unavailable.at(0).code, "no-privilege");
}

}  // namespace
}  // namespace podroute
