// What undo takes back, and what a report that --fix did not write cannot make it do.
#include <gtest/gtest.h>

#include "engine/fix_text.h"
#include "engine/undo.h"
#include "tests/unit/engine_fix_cases.h"

namespace podroute {
namespace {

using testing::Cluster;
using testing::one_route_missing;
using testing::planned;
using testing::prefix;
using testing::via;

std::vector<Fix> applied() {
    Cluster cluster({.nodes = 3, .routes = false});
    auto fixes = planned(cluster);
    for (Fix& fix : fixes) fix.status = FixStatus::applied;
    return fixes;
}

TEST(Undo, ReversesWhatWasAppliedLastFirst) {
    const auto done = applied();
    const auto back = undo_of(Cluster(3).snapshot, done);
    ASSERT_EQ(back.size(), done.size());
    for (std::size_t i = 0; i < done.size(); ++i) {
        const Fix& fix = back[done.size() - 1 - i];
        EXPECT_EQ(fix.id, done[i].id);
        EXPECT_EQ(fix.status, FixStatus::planned) << fix.reason;
        EXPECT_EQ(fix.change, reversed(done[i].change));
    }
    EXPECT_EQ(back.back().command, "ssh root@server ip route del 10.200.0.0/24 via 10.240.0.20");
}

TEST(Undo, WhatWasNotAppliedIsNotTakenBack) {
    auto done = applied();
    for (const FixStatus status : {FixStatus::planned, FixStatus::already, FixStatus::refused,
                                   FixStatus::failed, FixStatus::reverted, FixStatus::undone}) {
        for (Fix& fix : done) fix.status = status;
        EXPECT_TRUE(undo_of(Cluster(3).snapshot, done).empty());
    }
}

// One applied fix with this change is refused.
void expect_refused(const Change& change, const std::string& host = "node-0") {
    Fix fix;
    fix.host = host;
    fix.status = FixStatus::applied;
    fix.change = change;
    const auto back = undo_of(Cluster(3).snapshot, std::vector<Fix>{fix});
    ASSERT_EQ(back.size(), 1U);
    EXPECT_EQ(back[0].status, FixStatus::refused) << back[0].id;
    EXPECT_FALSE(back[0].reason.empty());
}

TEST(Undo, AReportCannotAskForWhatNoFixDoes) {
    Route ours = via("10.200.1.0/24", "10.240.0.21");
    ours.protocol = 112;
    const auto route = [](const Route& r) { return RouteObject{r.destination, r.table, r.metric, r.tos}; };
    const auto added = [&](const Route& r) { return Change{route(r), std::nullopt, State{r}}; };
    expect_refused(added(ours), "node-9");
    Route foreign = ours;
    foreign.protocol = 3;
    expect_refused(added(foreign));
    for (const char* destination : {"0.0.0.0/0", "192.0.2.0/24"}) {
        Route other = ours;
        other.destination = prefix(destination);
        expect_refused(added(other));
    }
    Route table = ours;
    table.table = 100;
    expect_refused(added(table));
    expect_refused({route(ours), State{via("0.0.0.0/0", "10.240.0.66")}, State{ours}});
    expect_refused({route(ours), State{std::string("0")}, State{ours}});
    expect_refused({FileObject{"/etc/passwd"}, State{std::string("x")}, State{std::string("y")}});
    expect_refused({LinkObject{"eth0"}, State{std::string("down")}, State{std::string("up")}});
    const auto sysctl = [](const std::string& name, const std::string& before) {
        return Change{SysctlObject{name}, State{before}, State{std::string("1")}};
    };
    expect_refused(sysctl("ipv4/conf/../../kernel/forwarding", "0"));
    expect_refused(sysctl("ipv4/tcp_syncookies", "0"));
    expect_refused(sysctl("ipv4/conf/eth0/forwarding", "0; reboot"));
    expect_refused(sysctl("ipv4/conf/eth0/accept_local", "0"));
    using Values = std::map<std::string, std::string>;
    expect_refused({SysctlSetObject{"ipv4/ip_forward"},
                    State{Values{{"ipv4/ip_forward", "0"}, {"ipv4/x", "0"}}},
                    State{Values{{"ipv4/ip_forward", "1"}}}});
    expect_refused({NeighbourObject{testing::address("192.0.2.1"), 2}, State{Neighbour{}}, std::nullopt});
}

TEST(Undo, ForwardingGoesBackToWhatItWas) {
    Cluster cluster(2);
    cluster.set_sysctl("node-0", "ipv4/conf/eth0/forwarding", "0");
    auto fixes =
        planned(cluster, {testing::forwarding_cause(cluster, "node-0", "ipv4/conf/eth0/forwarding")});
    fixes.at(0).status = FixStatus::applied;
    const auto back = undo_of(cluster.snapshot, fixes);
    ASSERT_EQ(back.at(0).status, FixStatus::planned) << back[0].reason;
    EXPECT_EQ(back[0].command, "ssh root@node-0 sysctl -w net.ipv4.conf.eth0.forwarding=0");
}

TEST(UndoAll, FindsEveryRouteOfProtocol112ToPods) {
    Cluster cluster(3);
    Route ours = via("10.200.1.0/24", "10.240.0.21");
    ours.protocol = 112;
    ours.metric = 5;
    cluster.add_route("node-0", ours);
    Route elsewhere = ours;
    elsewhere.destination = prefix("192.0.2.0/24");
    cluster.add_route("node-0", elsewhere);
    cluster.lose("node-2");
    const auto back = undo_all(cluster.snapshot);
    ASSERT_EQ(back.size(), 1U);
    EXPECT_EQ(back[0].host, "node-0");
    EXPECT_EQ(back[0].status, FixStatus::planned);
    EXPECT_EQ(std::get<Route>(*back[0].change.before), ours);
    EXPECT_FALSE(back[0].change.after);
    EXPECT_EQ(back[0].command, "ssh root@node-0 ip route del 10.200.1.0/24 via 10.240.0.21 metric 5");
}

}  // namespace
}  // namespace podroute
