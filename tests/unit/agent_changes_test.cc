// What is done about a change, decided from the state its object has.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>
#include <set>

#include "agent/apply.h"
#include "tests/unit/agent_fakes.h"

namespace podroute {
namespace {

using namespace agent;
using Kind = Decision::Kind;
using Values = std::map<std::string, std::string>;

Route route(const std::string& destination = "10.200.1.0/24", const std::string& gateway = "10.240.0.21") {
    Route r;
    r.destination = Prefix::parse(destination).value();
    r.protocol = 112;
    r.next_hops = {{Address::parse(gateway).value(), 2, 0, 1}};
    return r;
}
RouteObject key(const Route& r) {
    return {r.destination, r.table, r.metric, r.tos};
}
Change adding(const Route& r) {
    return {key(r), std::nullopt, State{r}};
}
Change sysctl(const std::string& name, const std::string& from, const std::string& to) {
    return {SysctlObject{name}, State{from}, State{to}};
}
Change set_of(const Values& from, const Values& to) {
    return {SysctlSetObject{"ipv4/ip_forward"}, State{from}, State{to}};
}

TEST(AgentChanges, APermanentNeighbourIsAnObjectAndALearnedOneIsNone) {
    const auto address = Address::parse("10.240.0.21").value();
    const State wrong = Neighbour{address, 2, "02:00:00:00:00:99", 128};
    const State learned = Neighbour{address, 2, "02:00:00:00:00:21", 2};
    const Change removing{NeighbourObject{address, 2}, wrong, std::nullopt};
    EXPECT_EQ(decide_apply(removing, {wrong}).kind, Kind::write);
    EXPECT_EQ(decide_apply(removing, {learned}).kind, Kind::nothing);
    EXPECT_EQ(decide_revert(removing, {learned}).kind, Kind::write);
    EXPECT_EQ(decide_revert(removing, {wrong}).kind, Kind::nothing);
    EXPECT_EQ(decide_revert(removing, {Neighbour{address, 2, "02:00:00:00:00:77", 128}}).kind, Kind::leave);
}

TEST(AgentChanges, WhatTheKernelAddsToARouteDoesNotCount) {
    auto now = route();
    now.scope = 253;
    now.flags = 16;
    now.next_hops[0].flags = 16;
    EXPECT_TRUE(is_as(State{now}, State{route()}));
    auto open = route();
    open.next_hops[0].ifindex = 0;
    EXPECT_TRUE(is_as(State{now}, State{open})) << "any interface will do";
    EXPECT_FALSE(is_as(State{open}, State{now}));
    // Everything else does.
    const std::vector<std::function<void(Route&)>> differences{
        [](Route& r) { r.protocol = 3; },
        [](Route& r) { r.type = RouteType::blackhole; },
        [](Route& r) { r.preferred_source = Address::v4(1); },
        [](Route& r) { r.next_hops[0].ifindex = 3; },
        [](Route& r) { r.next_hops[0].gateway.reset(); },
        [](Route& r) { r.next_hops[0].flags = 4; },
        [](Route& r) { r.next_hops[0].weight = 2; },
        [](Route& r) { r.next_hops.push_back(r.next_hops[0]); },
        [](Route& r) { r.metric = 1; },
    };
    for (std::size_t i = 0; i < differences.size(); ++i) {
        auto other = route();
        differences[i](other);
        EXPECT_FALSE(is_as(State{other}, State{route()})) << i;
    }
}

TEST(AgentChanges, TheOrderOfLegsIsTheKernels) {
    auto two = route(), turned = route();
    two.next_hops.push_back({Address::parse("10.240.0.22").value(), 2, 0, 3});
    turned.next_hops = {two.next_hops[1], two.next_hops[0]};
    EXPECT_TRUE(is_as(State{two}, State{turned}));
    turned.next_hops[0].weight = 4;
    EXPECT_FALSE(is_as(State{two}, State{turned}));
}

TEST(AgentChanges, WhatCouldNotBeRestoredIsNotTouched) {
    auto after = route();
    after.next_hops[0].ifindex = 3;
    const Change replacing{key(after), State{route()}, State{after}};
    EXPECT_EQ(decide_apply(replacing, {State{route()}}).kind, Kind::write);
    const auto decision = decide_apply(replacing, {State{route()}, "it has metrics of its own"});
    EXPECT_EQ(decision.kind, Kind::leave);
    EXPECT_EQ(decision.reason, "it could not be restored as it is: it has metrics of its own");
}

TEST(AgentChanges, AnAddOfOursWantsItsPrefixForItself) {
    const Found beside{std::nullopt, "", "10.200.1.0/24 metric 100"};
    EXPECT_EQ(decide_apply(adding(route()), beside).kind, Kind::leave);
    auto theirs = route();
    theirs.protocol = 3;
    EXPECT_EQ(decide_apply(adding(theirs), beside).kind, Kind::write) << "put back where it was";
}

TEST(AgentChanges, WellFormedAreStatesOfTheObject) {
    EXPECT_TRUE(well_formed(adding(route())));
    auto elsewhere = adding(route());
    std::get<RouteObject>(elsewhere.object).table = 100;
    auto without_legs = route();
    without_legs.next_hops.clear();
    auto local = route();
    local.type = RouteType::local;
    auto many = route();
    many.next_hops.resize(100, many.next_hops[0]);
    for (const auto& bad :
         std::vector<Change>{elsewhere,
                             adding(without_legs),
                             adding(local),
                             adding(many),
                             {key(route()), std::nullopt, std::nullopt},
                             {key(route()), std::nullopt, State{std::string("1")}},
                             {SysctlObject{"ipv4/ip_forward"}, std::nullopt, State{std::string("1")}},
                             {SysctlObject{"ipv4/ip_forward"}, State{route()}, State{std::string("1")}},
                             {NeighbourObject{}, std::nullopt, State{Neighbour{Address::v4(1), 2, "", 128}}},
                             set_of({{"ipv4/conf/all/forwarding", "0"}}, {{"ipv4/ip_forward", "1"}}),
                             {FileObject{"/etc/hosts"}, std::nullopt, State{std::string("x")}},
                             {LinkObject{"eth0"}, State{std::string("down")}, State{std::string("up")}},
                             {RuleObject{}, std::nullopt, State{std::string("present")}}})
        EXPECT_FALSE(well_formed(bad));
}

TEST(AgentChanges, ASetGoesBackFromAnywhereBetween) {
    const Values before{
        {"ipv4/ip_forward", "0"}, {"ipv4/conf/eth0/forwarding", "0"}, {"ipv4/conf/x/forwarding", "0"}};
    Values after = before;
    after["ipv4/ip_forward"] = after["ipv4/conf/eth0/forwarding"] = "1";
    const auto change = set_of(before, after);
    // The one that overwrites was written, the rest was not yet put right; and on the way back likewise.
    EXPECT_EQ(decide_revert(change, {State{Values{{"ipv4/ip_forward", "1"},
                                                  {"ipv4/conf/eth0/forwarding", "1"},
                                                  {"ipv4/conf/x/forwarding", "1"}}}})
                  .kind,
              Kind::write);
    EXPECT_EQ(decide_revert(change, {State{Values{{"ipv4/ip_forward", "0"},
                                                  {"ipv4/conf/eth0/forwarding", "0"},
                                                  {"ipv4/conf/x/forwarding", "1"}}}})
                  .kind,
              Kind::write);
    EXPECT_EQ(decide_revert(change, {State{before}}).kind, Kind::nothing);
    EXPECT_EQ(decide_revert(change, {State{Values{{"ipv4/ip_forward", "2"}}}}).kind, Kind::leave);
    // An interface is gone, and with it what there was to restore.
    const Found gone{State{Values{{"ipv4/ip_forward", "1"}, {"ipv4/conf/eth0/forwarding", "1"}}}};
    EXPECT_EQ(std::get<Values>(*revert_goal(change, gone)),
              (Values{{"ipv4/ip_forward", "0"}, {"ipv4/conf/eth0/forwarding", "0"}}));
}

// ---- the loops

std::optional<std::string> always() {
    return std::nullopt;
}

TEST(AgentApplyLoop, WritesInOrderAndStopsAfterAFailure) {
    FakeObjects objects;
    objects.states = {
        {"a", std::string("0")}, {"b", std::string("0")}, {"c", std::string("1")}, {"d", std::string("0")}};
    objects.failing = {"b"};
    const std::vector changes{sysctl("a", "0", "1"), sysctl("b", "0", "1"), sysctl("c", "0", "1"),
                              sysctl("d", "0", "1")};
    auto planned = plan(objects, changes);
    EXPECT_TRUE(objects.writes.empty());
    std::vector<std::size_t> attempted;
    apply(
        objects, planned, [&](std::size_t i) { attempted.push_back(i); }, always);
    EXPECT_EQ(attempted, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(planned[0].outcome.status, FixStatus::applied);
    EXPECT_EQ(planned[1].outcome, (ChangeOutcome{FixStatus::failed, "File exists", State{std::string("0")}}));
    EXPECT_EQ(planned[2].outcome.status, FixStatus::already);
    EXPECT_EQ(planned[3].outcome,
              (ChangeOutcome{FixStatus::refused, "an earlier change failed", State{std::string("0")}}));
}

TEST(AgentApplyLoop, EveryWriteIsAskedFor) {
    FakeObjects objects;
    objects.states = {{"a", std::string("0")}, {"b", std::string("0")}};
    auto planned = plan(objects, std::vector{sysctl("a", "0", "1"), sysctl("b", "0", "1")});
    int asked = 0;
    apply(
        objects, planned, [](std::size_t) {},
        [&]() -> std::optional<std::string> {
            return ++asked == 2 ? std::optional<std::string>("the agent was gone") : std::nullopt;
        });
    EXPECT_EQ(objects.writes, std::vector<std::string>{"a"});
    EXPECT_EQ(planned[1].outcome.status, FixStatus::refused);
    EXPECT_EQ(planned[1].outcome.reason, "the agent was gone");
}

TEST(AgentApplyLoop, WhatChangesBetweenPlanAndWriteIsSeen) {
    FakeObjects objects;
    objects.states = {{"a", std::string("0")}, {"b", std::string("0")}};
    auto planned = plan(objects, std::vector{sysctl("a", "0", "1"), sysctl("b", "0", "1")});
    objects.states["a"] = std::string("1");
    objects.states["b"] = std::string("7");
    apply(
        objects, planned, [](std::size_t) { FAIL(); }, always);
    EXPECT_EQ(planned[0].outcome.status, FixStatus::already);
    EXPECT_EQ(planned[1].outcome.status, FixStatus::refused);
    EXPECT_TRUE(objects.writes.empty());
}

TEST(AgentApplyLoop, WhatIsWrittenIsReadBack) {
    FakeObjects objects;
    objects.states = {{"a", std::string("0")}};
    auto planned = plan(objects, std::vector{sysctl("a", "0", "1")});
    // Another program puts it back before we look.
    objects.before_read = [&](const Change&) {
        if (!objects.writes.empty()) objects.states["a"] = std::string("0");
    };
    apply(
        objects, planned, [](std::size_t) {}, always);
    EXPECT_EQ(planned[0].outcome.status, FixStatus::failed);
    EXPECT_EQ(planned[0].outcome.reason, "it was written, but now it is otherwise: 0");
}

TEST(AgentApplyLoop, WhatCannotBeReadIsNotWritten) {
    FakeObjects objects;
    objects.unreadable = {"a"};
    auto planned = plan(objects, std::vector{sysctl("a", "0", "1")});
    apply(
        objects, planned, [](std::size_t) { FAIL(); }, always);
    EXPECT_EQ(planned[0].outcome.reason, "it could not be read: no answer from the kernel");
    EXPECT_EQ(revert(objects, planned[0].change).status, FixStatus::failed);
}

TEST(AgentApplyLoop, ThereAndBackIsAsBefore) {
    EXPECT_TRUE(rc::check([](const std::map<std::uint8_t, std::pair<std::uint8_t, std::uint8_t>>& wanted,
                             const std::map<std::uint8_t, std::uint8_t>& now, std::uint8_t stop) {
        FakeObjects objects;
        std::vector<Change> changes;
        for (const auto& [name, values] : wanted)
            changes.push_back(sysctl(std::to_string(name % 8), std::to_string(values.first % 3),
                                     std::to_string(values.second % 3)));
        for (const auto& [name, value] : now)
            objects.states[std::to_string(name % 8)] = std::to_string(value % 3);
        const auto before = objects.states;
        auto planned = plan(objects, changes);
        std::vector<std::size_t> indices;
        int left = stop % 8;
        apply(
            objects, planned, [&](std::size_t i) { indices.push_back(i); },
            [&]() -> std::optional<std::string> {
                return left-- > 0 ? std::nullopt : std::optional<std::string>("stopped");
            });
        std::vector<Change> attempted;
        for (const auto i : indices) attempted.push_back(planned[i].change);
        std::size_t applied = 0;
        for (const auto& one : planned) applied += one.outcome.status == FixStatus::applied ? 1U : 0U;
        RC_ASSERT(applied == indices.size());
        for (const auto& outcome : revert_all(objects, attempted))
            RC_ASSERT(outcome.status == FixStatus::reverted);
        RC_ASSERT(objects.states == before);
        // Once more is no harm.
        const auto writes = objects.writes.size();
        revert_all(objects, attempted);
        RC_ASSERT(objects.writes.size() == writes);
    }));
}

}  // namespace
}  // namespace podroute
