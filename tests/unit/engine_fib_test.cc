// The forwarding decision against a naive one, and the cases that have a name.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cerrno>

#include "engine/fib.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::lookup_rule;
using testing::prefix;
using testing::reject;
using testing::via;

FibQuery to(const std::string& destination) {
    return output_query(address(destination));
}

struct FibTest : ::testing::Test {
    Cluster cluster{2};
    HostFacts& facts = cluster.facts("node-0");
    FibMatch lookup(const FibQuery& query) { return Fib(facts).lookup(query); }
    void add_rule(Rule rule) { facts.rules->push_back(std::move(rule)); }
    void add_route(Route route, std::uint32_t table) {
        route.table = table;
        facts.routes->push_back(std::move(route));
    }
};

TEST_F(FibTest, LongestPrefixThenMetric) {
    add_route(via("10.200.1.0/25", "10.240.0.30"), kTableMain);
    EXPECT_EQ(lookup(to("10.200.1.5")).answer.matched, prefix("10.200.1.0/25"));
    EXPECT_EQ(lookup(to("10.200.1.200")).answer.matched, prefix("10.200.1.0/24"));
    Route worse = via("10.200.1.0/25", "10.240.0.31");
    worse.metric = 5;
    facts.routes->insert(facts.routes->begin(), worse);
    EXPECT_EQ(lookup(to("10.200.1.5")).route->metric, 0U);
}

TEST_F(FibTest, ErrorsAreTheKernels) {
    add_route(reject("10.9.0.0/24", RouteType::blackhole), kTableMain);
    add_route(reject("10.9.1.0/24", RouteType::unreachable), kTableMain);
    add_route(reject("10.9.2.0/24", RouteType::prohibit), kTableMain);
    EXPECT_EQ(lookup(to("10.9.0.1")).answer.error, EINVAL);
    EXPECT_EQ(lookup(to("10.9.1.1")).answer.error, EHOSTUNREACH);
    EXPECT_EQ(lookup(to("10.9.2.1")).answer.error, EACCES);
    cluster.del_route("node-0", "0.0.0.0/0");
    EXPECT_EQ(lookup(to("10.9.3.1")).answer.error, ENETUNREACH);
}

TEST_F(FibTest, ThrowGoesOnWithTheNextRule) {
    add_rule(lookup_rule(Family::v4, 100, 100));
    add_route(reject("10.200.1.0/24", RouteType::throw_), 100);
    add_route(via("0.0.0.0/0", "10.240.0.99"), 100);
    EXPECT_EQ(lookup(to("10.200.1.5")).answer.table, kTableMain);
    EXPECT_EQ(lookup(to("10.200.7.5")).answer.table, 100U);
}

TEST_F(FibTest, SelectorsGotoSuppressInvert) {
    Rule from = lookup_rule(Family::v4, 100, 100);
    from.source = prefix("10.200.0.0/24");
    add_rule(from);
    add_route(via("0.0.0.0/0", "10.240.0.99"), 100);
    FibQuery query = to("10.200.1.5");
    EXPECT_EQ(lookup(query).answer.table, kTableMain);
    query.source = address("10.200.0.2");
    query.iif = "cnio0";
    EXPECT_EQ(lookup(query).answer.table, 100U);

    facts.rules->back().suppress_prefix_length = 0;
    EXPECT_EQ(lookup(query).answer.table, kTableMain);
    facts.rules->back().suppress_prefix_length.reset();

    Rule skip = lookup_rule(Family::v4, 50, 0);
    skip.action = 2;
    skip.goto_priority = 32766;
    skip.iif = "cnio0";
    add_rule(skip);
    EXPECT_EQ(lookup(query).answer.table, kTableMain);
    facts.rules->back().invert = true;
    EXPECT_EQ(lookup(query).answer.table, 100U);
}

TEST_F(FibTest, DeadAndLinkdownNextHops) {
    add_route(via("10.9.0.0/24", "10.240.0.30"), kTableMain);
    facts.routes->back().next_hops[0].flags = 16;  // linkdown
    EXPECT_EQ(lookup(to("10.9.0.1")).answer.matched, prefix("10.9.0.0/24"));
    facts.sysctls["ipv4/conf/eth0/ignore_routes_with_linkdown"] = std::string("1");
    EXPECT_TRUE(lookup(to("10.9.0.1")).answer.matched->is_default());
    facts.sysctls.clear();
    facts.routes->back().next_hops[0].flags = 1;  // dead
    EXPECT_TRUE(lookup(to("10.9.0.1")).answer.matched->is_default());
}

TEST_F(FibTest, StretchesCutAtRoutesAndRules) {
    add_route(via("10.200.1.64/26", "10.240.0.30"), kTableMain);
    Rule rule = lookup_rule(Family::v4, 100, 100);
    rule.destination = prefix("10.200.1.192/26");
    add_rule(rule);
    EXPECT_EQ(Fib(facts).boundary_samples(prefix("10.200.1.0/24")),
              (std::vector<Address>{address("10.200.1.1"), address("10.200.1.64"), address("10.200.1.128"),
                                    address("10.200.1.192")}));
}

// --- Against a linear scan ------------------------------------------------------------------------------

rc::Gen<Prefix> any_prefix() {
    return rc::gen::map(
        rc::gen::pair(rc::gen::inRange(0U, 1024U), rc::gen::element(0U, 8U, 22U, 24U, 26U, 30U, 32U)),
        [](const std::pair<unsigned, unsigned>& p) {
            return Prefix{Address::v4(0x0AC80000U + p.first), p.second};
        });
}

rc::Gen<Route> any_route() {
    return rc::gen::map(
        rc::gen::tuple(any_prefix(), rc::gen::element(100U, 254U, 255U), rc::gen::inRange(0U, 3U),
                       rc::gen::element(RouteType::unicast, RouteType::unicast, RouteType::blackhole,
                                        RouteType::throw_, RouteType::prohibit),
                       rc::gen::inRange(0, 4)),
        [](const auto& t) {
            Route route;
            route.destination = std::get<0>(t);
            route.table = std::get<1>(t);
            route.metric = std::get<2>(t);
            route.type = std::get<3>(t);
            if (route.type == RouteType::unicast)
                route.next_hops = {
                    {Address::v4(0x0AF00001U), 2, static_cast<std::uint8_t>(std::get<4>(t) == 0 ? 1 : 0), 1}};
            return route;
        });
}

rc::Gen<Rule> any_rule() {
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange(1U, 50U), rc::gen::element(100U, 254U, 255U), any_prefix(),
                       rc::gen::arbitrary<bool>(), rc::gen::element(1, 1, 1, 1, 3, 6, 8)),
        [](const auto& t) {
            Rule rule = lookup_rule(Family::v4, std::get<0>(t), std::get<1>(t));
            rule.destination = std::get<2>(t);
            rule.invert = std::get<3>(t);
            rule.action = static_cast<std::uint8_t>(std::get<4>(t));
            return rule;
        });
}

const Route* naive_find(const HostFacts& facts, std::uint32_t table, const Address& destination) {
    const Route* best = nullptr;
    for (const Route& route : *facts.routes) {
        if (route.table != table || !route.destination.contains(destination)) continue;
        if (route.type == RouteType::unicast && route.next_hops[0].dead()) continue;
        if (best == nullptr || route.destination.length() > best->destination.length() ||
            (route.destination.length() == best->destination.length() && route.metric < best->metric))
            best = &route;
    }
    return best;
}

// The route that decides, or null; `error` where a rule decides.
const Route* naive_lookup(const HostFacts& facts, const Address& destination, int& error) {
    for (std::uint32_t priority = 0; priority <= 32767; ++priority) {
        for (const Rule& rule : *facts.rules) {
            if (rule.priority != priority || rule.family != Family::v4) continue;
            const bool selected = !rule.destination || rule.destination->contains(destination);
            if (selected == rule.invert || rule.action == 3) continue;
            if (rule.action != 1) {
                error = rule.action == 8 ? EACCES : EINVAL;
                return nullptr;
            }
            const Route* route = naive_find(facts, rule.table, destination);
            if (route != nullptr && route->type != RouteType::throw_) return route;
        }
    }
    error = ENETUNREACH;
    return nullptr;
}

RC_GTEST_PROP(FibProperty, AgreesWithALinearScan, ()) {
    HostFacts facts;
    facts.links = std::vector<Link>{};
    facts.routes = *rc::gen::container<std::vector<Route>>(any_route());
    auto rules = *rc::gen::container<std::vector<Rule>>(any_rule());
    rules.push_back(lookup_rule(Family::v4, 32765, 254));
    facts.rules = rules;
    const Address destination = Address::v4(0x0AC80000U + *rc::gen::inRange(0U, 1100U));
    int error = 0;
    const Route* wanted = naive_lookup(facts, destination, error);
    const FibMatch found = Fib(facts).lookup(output_query(destination));
    if (wanted == nullptr) {
        RC_ASSERT(found.route == nullptr);
        RC_ASSERT(found.answer.error == error);
    } else {
        RC_ASSERT(found.route != nullptr);
        RC_ASSERT(*found.route == *wanted);
    }
}

RC_GTEST_PROP(FibProperty, AnOverlayEqualsRebuiltTables, ()) {
    HostFacts facts;
    facts.links = std::vector<Link>{};
    facts.rules = std::vector<Rule>{lookup_rule(Family::v4, 1, 100), lookup_rule(Family::v4, 2, 254)};
    facts.routes = *rc::gen::nonEmpty(rc::gen::container<std::vector<Route>>(any_route()));
    const auto at = *rc::gen::inRange<std::size_t>(0, facts.routes->size());
    const Route gone = (*facts.routes)[at];
    const Route added = *any_route();
    const std::vector<Change> overlay{
        {RouteObject{gone.destination, gone.table, gone.metric, gone.tos}, gone, std::nullopt},
        {RouteObject{added.destination, added.table, added.metric, added.tos}, std::nullopt, added}};
    HostFacts rebuilt = facts;
    std::erase(*rebuilt.routes, gone);
    rebuilt.routes->push_back(added);
    const Fib base(facts);
    const Fib overlaid = base.with(overlay);
    for (std::uint32_t i = 0; i < 1100; i += 37) {
        const FibQuery query = output_query(Address::v4(0x0AC80000U + i));
        RC_ASSERT(overlaid.lookup(query).answer == Fib(rebuilt).lookup(query).answer);
        RC_ASSERT(base.lookup(query).answer == Fib(facts).lookup(query).answer);
    }
}

}  // namespace
}  // namespace podroute
