// The route class: one fault each, and the variants that are healthy.
#include <gtest/gtest.h>

#include <cerrno>

#include "engine/classify.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::connected;
using testing::kEth0;
using testing::lookup_rule;
using testing::prefix;
using testing::reject;
using testing::via;

// node-0's route to the pods of node-1.
Classification of(const Cluster& cluster, Family family = Family::v4) {
    for (const ExpectedRoute& route : expect(cluster.snapshot.inventory).routes)
        if (route.host == "node-0" && route.owner == "node-1" && route.pod_cidr.family() == family)
            return classify(cluster.snapshot, route);
    return {};
}

void expect_cause(const Classification& c, RouteClass route_class, const std::string& code) {
    EXPECT_EQ(c.route_class, route_class) << c.why << c.observed;
    ASSERT_TRUE(c.cause);
    EXPECT_EQ(c.cause->code, code);
    EXPECT_EQ(c.cause->host, "node-0");
}

TEST(Classify, Healthy) {
    for (const bool bridge : {true, false}) {
        const Cluster cluster({.nodes = 2, .ipv6 = true, .bridge = bridge});
        for (const ExpectedRoute& route : expect(cluster.snapshot.inventory).routes)
            EXPECT_EQ(classify(cluster.snapshot, route).route_class, RouteClass::right) << route.host;
    }
}

TEST(Classify, MissingFallsToTheDefaultRoute) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::missing, "route-missing");
    EXPECT_EQ(c.expected, "10.200.1.0/24 via 10.240.0.21");
    EXPECT_EQ(c.observed, "falls to 0.0.0.0/0 via 10.240.0.1 dev eth0");
    EXPECT_EQ(c.cause->summary, "node-0 has no route to the pod network of node-1");
    ASSERT_EQ(c.cause->commands.size(), 1U);
    EXPECT_EQ(c.cause->commands[0], "ssh root@node-0 ip route add 10.200.1.0/24 via 10.240.0.21");
    EXPECT_EQ(c.cause->automatic, Automatic::add);
}

TEST(Classify, MissingWithoutDefaultRoute) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.del_route("node-0", "0.0.0.0/0");
    EXPECT_EQ(of(cluster).observed, "no match (network is unreachable)");
}

TEST(Classify, AccidentallyReachedByTheDefaultRouteIsMissing) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.del_route("node-0", "0.0.0.0/0");
    cluster.add_route("node-0", via("0.0.0.0/0", "10.240.0.21"));
    expect_cause(of(cluster), RouteClass::missing, "route-missing");
}

TEST(Classify, ThrowIsMissingAndIsReplaced) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.add_route("node-0", reject("10.200.1.0/24", RouteType::throw_));
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::missing, "route-missing");
    EXPECT_EQ(c.cause->commands[0], "ssh root@node-0 ip route replace 10.200.1.0/24 via 10.240.0.21");
}

TEST(Classify, CoveringRouteAndExactHalvesPass) {
    Cluster covering(2);
    covering.del_route("node-0", "10.200.1.0/24");
    covering.add_route("node-0", via("10.200.0.0/16", "10.240.0.21"));
    EXPECT_EQ(of(covering).route_class, RouteClass::right);
    EXPECT_EQ(of(covering).note, "by the covering route 10.200.0.0/16");

    Cluster halves(2);
    halves.del_route("node-0", "10.200.1.0/24");
    halves.add_route("node-0", via("10.200.1.0/25", "10.240.0.21"));
    halves.add_route("node-0", via("10.200.1.128/25", "10.240.0.21"));
    EXPECT_EQ(of(halves).route_class, RouteClass::right);
}

TEST(Classify, PartialNamesTheFewestPrefixes) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.add_route("node-0", via("10.200.1.64/26", "10.240.0.21"));
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::partial, "route-partial");
    ASSERT_EQ(c.cause->commands.size(), 2U);
    EXPECT_EQ(c.cause->commands[0], "ssh root@node-0 ip route add 10.200.1.0/26 via 10.240.0.21");
    EXPECT_EQ(c.cause->commands[1], "ssh root@node-0 ip route add 10.200.1.128/25 via 10.240.0.21");
    EXPECT_EQ(c.cause->automatic, Automatic::add);
}

TEST(Classify, PartialWithAWrongPartIsNotMendedBySelf) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.add_route("node-0", via("10.200.1.0/25", "10.240.0.99"));
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::partial, "route-partial");
    EXPECT_EQ(c.cause->automatic, Automatic::never);
}

TEST(Classify, ShadowedByALongerPrefixAndByALowerMetric) {
    Cluster longer(2);
    longer.add_route("node-0", via("10.200.1.0/25", "10.240.0.99"));
    expect_cause(of(longer), RouteClass::shadowed, "route-shadowed");
    EXPECT_EQ(of(longer).cause->commands[0], "ssh root@node-0 ip route del 10.200.1.0/25 via 10.240.0.99");
    EXPECT_EQ(of(longer).cause->automatic, Automatic::repair);

    Cluster metric(2);
    metric.routes("node-0").back().metric = 100;
    metric.add_route("node-0", via("10.200.1.0/24", "10.240.0.99"));
    expect_cause(of(metric), RouteClass::shadowed, "route-shadowed");
}

TEST(Classify, ShadowedByAnotherBridgeIsNeverAutomatic) {
    Cluster cluster(2);
    cluster.add_link("node-0", 4, "docker0", "bridge");
    cluster.add_address("node-0", "10.200.1.1", 25, 4);
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::shadowed, "route-shadowed");
    EXPECT_EQ(c.cause->automatic, Automatic::never);
    EXPECT_EQ(c.cause->commands.back(), "ssh root@node-0 ip address del 10.200.1.1/25 dev docker0");

    Cluster exact(2);  // the bridge came first, so that the route could not be added
    exact.del_route("node-0", "10.200.1.0/24");
    exact.add_link("node-0", 4, "docker0", "bridge");
    exact.add_address("node-0", "10.200.1.1", 24, 4);
    expect_cause(of(exact), RouteClass::shadowed, "route-shadowed");
}

TEST(Classify, ABridgeElsewhereIsNothing) {
    Cluster cluster(2);
    cluster.add_link("node-0", 4, "docker0", "bridge");
    cluster.facts("node-0").links->back().carrier = false;
    cluster.add_address("node-0", "172.17.0.1", 16, 4);
    EXPECT_EQ(of(cluster).route_class, RouteClass::right);
}

TEST(Classify, RejectRoutes) {
    for (const RouteType type : {RouteType::blackhole, RouteType::unreachable, RouteType::prohibit}) {
        Cluster cluster(2);
        cluster.del_route("node-0", "10.200.1.0/24");
        cluster.add_route("node-0", reject("10.200.1.0/24", type));
        expect_cause(of(cluster), RouteClass::blackhole, "route-blackhole");
        EXPECT_EQ(of(cluster).cause->automatic, Automatic::repair);
    }
}

TEST(Classify, AMetricStandsInTheReplacingCommand) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    Route route = via("10.200.1.0/24", "10.240.0.99");
    route.metric = 100;
    cluster.add_route("node-0", route);
    EXPECT_EQ(of(cluster).cause->commands[0],
              "ssh root@node-0 ip route replace 10.200.1.0/24 via 10.240.0.21 metric 100");
}

TEST(Classify, WrongGatewayNamesWhereItLeads) {
    Cluster cluster(3);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.add_route("node-0", via("10.200.1.0/24", "10.240.0.22"));
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::wrong_gateway, "route-wrong-gateway");
    EXPECT_EQ(c.observed, "10.200.1.0/24 via 10.240.0.22 dev eth0");
    EXPECT_EQ(c.cause->summary,
              "the route of node-0 to the pod network of node-1 leads to node-2, not to node-1");
}

TEST(Classify, OneDeadEcmpLegIsAWrongGateway) {
    Cluster cluster(2);
    Route& route = cluster.routes("node-0").back();
    route.next_hops.push_back({address("10.240.0.99"), kEth0, 0, 1});
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::wrong_gateway, "route-wrong-gateway");
    EXPECT_EQ(c.cause->commands[0], "ssh root@node-0 ip route replace 10.200.1.0/24 via 10.240.0.21");
}

TEST(Classify, EcmpWithRightLegsPasses) {
    Cluster cluster(2);
    cluster.add_address("node-1", "10.240.0.121", 24, kEth0);
    cluster.routes("node-0").back() = via("10.200.1.0/24", "10.240.0.21");
    for (Route& route : cluster.routes("node-0"))
        if (route.destination == prefix("10.200.1.0/24"))
            route.next_hops.push_back({address("10.240.0.121"), kEth0, 0, 1});
    EXPECT_EQ(of(cluster).route_class, RouteClass::right);
}

TEST(Classify, AnotherAddressOfAnUnreadOwnerIsUnknown) {
    Cluster cluster(2);
    cluster.lose("node-1");
    EXPECT_EQ(of(cluster).route_class, RouteClass::right);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.add_route("node-0", via("10.200.1.0/24", "10.240.0.77"));
    EXPECT_EQ(of(cluster).route_class, RouteClass::unknown);
    EXPECT_EQ(of(cluster).blocked_by, "host-unreachable");
}

TEST(Classify, DeviceRoutes) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    Route route = connected(prefix("10.200.1.0/24"), kEth0);
    route.protocol = 3;
    cluster.add_route("node-0", route);
    expect_cause(of(cluster), RouteClass::wrong_gateway, "route-wrong-gateway");
    cluster.add_link("node-0", 9, "flannel.1", "vxlan");
    cluster.routes("node-0").back().next_hops[0].ifindex = 9;
    EXPECT_EQ(of(cluster).route_class, RouteClass::unknown);
}

TEST(Classify, DivertedByASourceRule) {
    Cluster cluster(2);
    Rule rule = lookup_rule(Family::v4, 100, 100);
    rule.source = prefix("10.200.0.0/24");
    cluster.facts("node-0").rules->push_back(rule);
    Route route = via("0.0.0.0/0", "10.240.0.10");
    route.table = 100;
    cluster.add_route("node-0", route);
    const Classification c = of(cluster);
    expect_cause(c, RouteClass::rule_diverted, "rule-diverted");
    EXPECT_EQ(c.cause->commands[0], "ssh root@node-0 ip rule del priority 100 from 10.200.0.0/24 lookup 100");
    EXPECT_EQ(c.cause->automatic, Automatic::never);
}

TEST(Classify, LinkDown) {
    Cluster carrier(2);
    carrier.facts("node-0").links->at(1).carrier = false;
    EXPECT_EQ(of(carrier).route_class, RouteClass::link_down);

    Cluster admin(2);  // the routes went with it
    admin.facts("node-0").links->at(1).flags = 0;
    std::erase_if(admin.routes("node-0"), [](const Route& r) { return r.next_hops[0].ifindex == kEth0; });
    EXPECT_EQ(of(admin).route_class, RouteClass::link_down);
    EXPECT_EQ(of(admin).blocked_by, "link-down");
}

void solicited(Cluster& cluster, std::uint16_t state, const std::string& answer) {
    HostFindings findings;
    findings.solicited = {{address("10.240.0.21"), kEth0, "", state}};
    if (!answer.empty()) findings.answers = {{address("10.240.0.21"), kEth0, {answer}}};
    RoundResult round;
    round.hosts["node-0"] = findings;
    cluster.snapshot.rounds = {round};
}

TEST(Classify, NeighbourWrong) {
    Cluster cluster(2);
    cluster.facts("node-0").neighbours =
        std::vector<Neighbour>{{address("10.240.0.21"), kEth0, "02:de:ad:00:00:01", 128}};
    EXPECT_EQ(of(cluster).route_class, RouteClass::right) << "nothing was asked";
    solicited(cluster, 128, "02:00:00:00:02:15");
    expect_cause(of(cluster), RouteClass::neighbour_wrong, "neighbour-wrong");
    EXPECT_EQ(of(cluster).cause->commands[0], "ssh root@node-0 ip neigh del 10.240.0.21 dev eth0");
    solicited(cluster, 128, "02:DE:AD:00:00:01");
    EXPECT_EQ(of(cluster).route_class, RouteClass::right);
}

TEST(Classify, GatewayUnresolvedOnlyWhereTheOwnerWasRead) {
    Cluster cluster(2);
    solicited(cluster, 32, "");
    expect_cause(of(cluster), RouteClass::gateway_unresolved, "gateway-unresolved");
    cluster.lose("node-1");
    EXPECT_EQ(of(cluster).route_class, RouteClass::right);
    EXPECT_NE(of(cluster).note, "");
}

// Neither an entry that holds a MAC nor one lost question says anything.
TEST(Classify, AGatewayThatNobodyAnswersForIsUnresolvedWhateverTheEntrySays) {
    constexpr std::uint16_t kReachable = 2, kDelay = 8;
    const auto ask = [](Cluster& cluster, unsigned questions, bool last_answered) {
        for (unsigned i = 0; i < questions; ++i) {
            NeighbourAnswers answers{address("10.240.0.21"), kEth0, {}};
            if (last_answered && i + 1 == questions) answers.macs = {"02:00:00:00:02:15"};
            cluster.snapshot.rounds.emplace_back().hosts["node-0"] = HostFindings{{}, {}, {answers}};
        }
    };
    Cluster silent(2);
    silent.facts("node-0").neighbours =
        std::vector<Neighbour>{{address("10.240.0.21"), kEth0, "02:00:00:00:02:15", 4}};
    Cluster lossy = silent, confirmed = silent, rarely = silent;
    solicited(silent, kDelay, "");
    ask(silent, 3, false);
    expect_cause(of(silent), RouteClass::gateway_unresolved, "gateway-unresolved");
    ask(lossy, 3, true);
    EXPECT_EQ(of(lossy).route_class, RouteClass::right);
    solicited(confirmed, kReachable, "");
    ask(confirmed, 3, false);
    EXPECT_EQ(of(confirmed).route_class, RouteClass::right);
    ask(rarely, 2, false);
    EXPECT_EQ(of(rarely).route_class, RouteClass::right);
}

TEST(Classify, TheKernelsAnswerWins) {
    Cluster cluster(2);
    FibAnswer answer;
    answer.query.destination = address("10.200.1.1");
    answer.error = EINVAL;
    cluster.facts("node-0").fib = std::vector<FibAnswer>{answer};
    const Classification c = of(cluster);
    ASSERT_TRUE(c.cause);
    ASSERT_FALSE(c.cause->evidence.empty());
    EXPECT_NE(c.cause->evidence[0].find("the kernel answers"), std::string::npos);
}

TEST(Classify, OverlapsAndUnreadHostsAreUnknown) {
    Cluster cluster(2);
    cluster.snapshot.inventory.hosts[2].pod_cidrs = {prefix("10.200.0.0/24")};
    EXPECT_EQ(
        classify(cluster.snapshot, {"server", prefix("10.200.0.0/24"), "node-0", address("10.240.0.20")})
            .blocked_by,
        "inventory-overlap");
    Cluster lost(2);
    lost.lose("node-0");
    EXPECT_EQ(of(lost).blocked_by, "host-unreachable");
}

TEST(Classify, IPv6) {
    Cluster cluster({.nodes = 2, .ipv6 = true});
    cluster.del_route("node-0", "fd00:10:200:1::/64");
    const Classification c = of(cluster, Family::v6);
    expect_cause(c, RouteClass::missing, "route-missing");
    EXPECT_EQ(c.cause->commands[0], "ssh root@node-0 ip -6 route add fd00:10:200:1::/64 via fd00:10:240::15");
}

TEST(Roles, PodBridge) {
    Cluster cluster(2);
    const InventoryHost& host = cluster.snapshot.inventory.hosts[1];
    EXPECT_EQ(roles(cluster.facts("node-0"), host).pod_bridge, testing::kCnio0);
    EXPECT_EQ(roles(cluster.facts("node-0"), host).uplinks, std::vector<std::uint32_t>{kEth0});
    cluster.facts("node-0").cni->networks = {{"10-bridge.conf", "bridge", "bridge", "br7", {}, true}};
    // Named for pods to come; those that are there use another.
    EXPECT_EQ(roles(cluster.facts("node-0"), host).pod_bridge, testing::kCnio0);
    std::erase_if(*cluster.facts("node-0").addresses,
                  [](const InterfaceAddress& a) { return a.ifindex == testing::kCnio0; });
    EXPECT_EQ(roles(cluster.facts("node-0"), host).pod_bridge, std::nullopt);
}

}  // namespace
}  // namespace podroute
