// What --fix plans: the exact changes, in kernel terms, and how they are to be proven.
#include <gtest/gtest.h>

#include <cerrno>

#include "engine/fix_text.h"
#include "tests/unit/engine_fix_cases.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::kCnio0;
using testing::kEth0;
using testing::one_route_missing;
using testing::planned;
using testing::prefix;
using testing::reject;
using testing::route_causes;
using testing::via;

Route added(const std::string& destination, const std::string& gateway) {
    Route route = via(destination, gateway);
    route.protocol = 112;
    return route;
}

TEST(FixPlan, AMissingRouteIsOneAddedRoute) {
    const auto fixes = planned(one_route_missing());
    ASSERT_EQ(fixes.size(), 1U);
    const Fix& fix = fixes[0];
    EXPECT_EQ(fix.status, FixStatus::planned) << fix.reason;
    EXPECT_EQ(fix.id, "node-0/route-missing/10.200.1.0/24");
    EXPECT_EQ(fix.command, "ssh root@node-0 ip route add 10.200.1.0/24 via 10.240.0.21 proto 112");
    EXPECT_EQ(fix.change.object, Object{RouteObject{prefix("10.200.1.0/24")}});
    EXPECT_FALSE(fix.change.before);
    ASSERT_TRUE(fix.change.after);
    EXPECT_EQ(std::get<Route>(*fix.change.after), added("10.200.1.0/24", "10.240.0.21"));
    EXPECT_EQ(fix.diff, std::vector<std::string>{"+ 10.200.1.0/24 via 10.240.0.21 dev eth0 proto 112"});
}

TEST(FixPlan, IPv6RoutesHaveTheMetricThatTheKernelGives) {
    Cluster cluster({.ipv6 = true});
    cluster.del_route("node-0", "fd00:10:200:1::/64");
    const auto fixes = planned(cluster);
    ASSERT_EQ(fixes.size(), 1U);
    EXPECT_EQ(fixes[0].status, FixStatus::planned) << fixes[0].reason;
    EXPECT_EQ(std::get<Route>(*fixes[0].change.after).metric, 1024U);
    EXPECT_EQ(std::get<RouteObject>(fixes[0].change.object).metric, 1024U);
}

TEST(FixPlan, OnlyTheMissingHalfIsAdded) {
    Cluster cluster = one_route_missing();
    cluster.add_route("node-0", via("10.200.1.0/25", "10.240.0.21"));
    const auto fixes = planned(cluster);
    ASSERT_EQ(fixes.size(), 1U);
    EXPECT_EQ(fixes[0].status, FixStatus::planned) << fixes[0].reason;
    EXPECT_EQ(fixes[0].id, "node-0/route-partial/10.200.1.128/25");
}

TEST(FixPlan, BeforeSection11EveryHostGetsEveryRoute) {
    const auto fixes = planned(Cluster({.nodes = 6, .ipv6 = true, .bridge = false, .routes = false}));
    EXPECT_EQ(fixes.size(), 2U * (6U * 5U + 6U));
    for (const Fix& fix : fixes) EXPECT_EQ(fix.status, FixStatus::planned) << fix.id << ": " << fix.reason;
    EXPECT_TRUE(std::is_sorted(fixes.begin(), fixes.end(), [](const Fix& a, const Fix& b) {
        return (a.host == "server") > (b.host == "server");
    })) << "hosts stand in the order of the inventory";
}

TEST(FixPlan, ADefaultRouteThatHappensToLeadThereIsNotCountedOn) {
    Cluster cluster = one_route_missing();
    cluster.del_route("node-0", "0.0.0.0/0");
    cluster.add_route("node-0", via("0.0.0.0/0", "10.240.0.21"));
    const auto fixes = planned(cluster);
    ASSERT_EQ(fixes.size(), 1U);
    EXPECT_EQ(fixes[0].status, FixStatus::planned) << fixes[0].reason;
}

TEST(FixPlan, NothingWrongIsNothingToDo) {
    EXPECT_TRUE(planned(Cluster(3)).empty());
    EXPECT_TRUE(planned(Cluster(3), FixPolicy{true}).empty());
}

TEST(FixPlan, ReplacingIsForRepairOnly) {
    Cluster cluster = one_route_missing();
    cluster.add_route("node-0", reject("10.200.1.0/24"));
    EXPECT_TRUE(planned(cluster).empty());
    const auto fixes = planned(cluster, FixPolicy{true});
    ASSERT_EQ(fixes.size(), 1U);
    EXPECT_EQ(fixes[0].status, FixStatus::planned) << fixes[0].reason;
    EXPECT_EQ(fixes[0].diff,
              (std::vector<std::string>{"- blackhole 10.200.1.0/24",
                                        "+ 10.200.1.0/24 via 10.240.0.21 dev eth0 proto 112"}));
    EXPECT_EQ(fixes[0].command, "ssh root@node-0 ip route replace 10.200.1.0/24 via 10.240.0.21 proto 112");
    EXPECT_EQ(std::get<Route>(*fixes[0].change.before), reject("10.200.1.0/24"));
}

TEST(FixPlan, AWrongRouteInFrontIsTakenAway) {
    Cluster cluster(3);
    cluster.add_route("node-0", via("10.200.1.64/26", "10.240.0.22"));
    const auto fixes = planned(cluster, FixPolicy{true});
    ASSERT_EQ(fixes.size(), 1U);
    EXPECT_EQ(fixes[0].status, FixStatus::planned) << fixes[0].reason;
    EXPECT_FALSE(fixes[0].change.after);
    const auto plan = plan_fix(cluster.snapshot, route_causes(cluster.snapshot), FixPolicy{true});
    ASSERT_FALSE(plan->proofs[0].empty());
    EXPECT_EQ(plan->proofs[0][0].next_hops.at(0).gateway, address("10.240.0.21"));
}

TEST(FixPlan, TheKernelsOwnAnswerIsWhatMustNotHaveChanged) {
    Cluster cluster = one_route_missing();
    FibAnswer said;
    said.query.destination = address("10.200.1.1");
    said.error = ENETUNREACH;  // not what the tables say: a default route is there
    cluster.facts("node-0").fib = std::vector<FibAnswer>{said};
    const auto plan = plan_fix(cluster.snapshot, route_causes(cluster.snapshot), {});
    ASSERT_EQ(plan->proofs.size(), 1U);
    ASSERT_EQ(plan->proofs[0].size(), 2U) << "both ends of the pod network";
    EXPECT_EQ(plan->proofs[0][0].before, said);
    EXPECT_EQ(plan->proofs[0][1].before.next_hops.at(0).gateway, address("10.240.0.1"));
    for (const FixProof& proof : plan->proofs[0]) {
        ASSERT_EQ(proof.next_hops.size(), 1U);
        EXPECT_EQ(proof.next_hops[0].gateway, address("10.240.0.21"));
        EXPECT_EQ(proof.next_hops[0].ifindex, kEth0);
    }
}

TEST(FixPlan, AStoppedRunPlansNothing) {
    Cluster cluster = one_route_missing();
    cluster.snapshot.run.cancelled = true;
    const auto plan = plan_fix(cluster.snapshot, route_causes(cluster.snapshot), {});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, "cancelled");
}

TEST(FixPlan, WarningsAreNotMended) {
    Cluster cluster = one_route_missing();
    auto causes = route_causes(cluster.snapshot);
    causes.at(0).severity = Severity::warning;
    EXPECT_TRUE(planned(cluster, causes).empty());
}

TEST(FixText, ReversedSwapsTheStates) {
    const auto fixes = planned(one_route_missing());
    const Change back = reversed(fixes.at(0).change);
    EXPECT_TRUE(back.before);
    EXPECT_FALSE(back.after);
    const HostFacts facts = Cluster(2).facts("node-0");
    EXPECT_EQ(change_command("node-0", back, facts),
              "ssh root@node-0 ip route del 10.200.1.0/24 via 10.240.0.21");
    EXPECT_EQ(change_diff(back, facts),
              std::vector<std::string>{"- 10.200.1.0/24 via 10.240.0.21 dev eth0 proto 112"});
}

TEST(FixText, ANameThatIsNoWordGetsIntoNoCommand) {
    const Change change{SysctlObject{"ipv4/conf/eth0;reboot/forwarding"}, State{std::string("0")},
                        State{std::string("1")}};
    EXPECT_EQ(change_command("node-0", change, HostFacts{}), "");
    EXPECT_EQ(change_diff(change, HostFacts{}).size(), 2U) << "it is still shown";
}

}  // namespace
}  // namespace podroute
