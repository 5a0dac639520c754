// Changes of this kernel's objects: applied, kept, taken back.
#include <fstream>
#include <thread>

#include "agent/route_entry.h"
#include "tests/lab/agent_fix.h"

namespace podroute {
namespace {

using Values = std::map<std::string, std::string>;

class AgentApply : public AgentFix {
  protected:
    // Applies, takes back, applies again, keeps; the state is as before after the second of these, and as
    // after the first after the last.
    void there_and_back(const std::vector<Change>& changes) {
        const auto before = state();
        std::string after;
        {
            auto link = agent();
            for (const auto& o : apply(*link, changes)) EXPECT_EQ(o.status, FixStatus::applied) << o.reason;
            after = state();
            EXPECT_NE(after, before);
            EXPECT_EQ(journals().size(), 1U);
            for (const auto& o : ask<RevertReply>(*link, Revert{}).outcomes)
                EXPECT_EQ(o.status, FixStatus::reverted) << o.reason;
            EXPECT_EQ(state(), before);
            EXPECT_EQ(journals().size(), 0U);
            // The same agent once more.
            for (const auto& o : apply(*link, changes)) EXPECT_EQ(o.status, FixStatus::applied) << o.reason;
            ask<KeepReply>(*link, Keep{});
            ask<ByeReply>(*link, Bye{});
            EXPECT_EQ(ending(link->wait(soon()).value_or(-1)), 0) << link->standard_error();
            EXPECT_EQ(link->standard_error(), "");
        }
        EXPECT_EQ(state(), after);
        // And undone by a later run.
        std::vector<Change> back;
        for (auto at = changes.rbegin(); at != changes.rend(); ++at)
            back.push_back({at->object, at->after, at->before});
        auto link = agent();
        for (const auto& o : apply(*link, back)) EXPECT_EQ(o.status, FixStatus::applied) << o.reason;
        ask<KeepReply>(*link, Keep{});
        EXPECT_EQ(state(), before);
    }
};

TEST_F(AgentApply, RoutesOfBothFamiliesAreAdded) {
    auto four = added("10.200.1.0/24", "10.240.0.21");
    auto six = added("fd00:200:0:1::/64", "fd00:240::21");
    there_and_back({four, six, added("10.200.2.0/24", "10.240.0.22", 7)});
    auto link = agent();
    apply(*link, {four, six});
    ask<KeepReply>(*link, Keep{});
    EXPECT_EQ(run("ip route show 10.200.1.0/24"), "10.200.1.0/24 via 10.240.0.21 dev eth0 proto 112 \n");
    EXPECT_EQ(run("ip -6 route show fd00:200:0:1::/64"),
              "fd00:200:0:1::/64 via fd00:240::21 dev eth0 proto 112 metric 1024 pref medium\n");
}

TEST_F(AgentApply, ChangesWithoutMetricAndInterfaceMeanTheKernelsOwn) {
    auto six = added("fd00:200:0:1::/64", "fd00:240::21");
    std::get<RouteObject>(six.object).metric = 0;
    std::get<Route>(*six.after).metric = 0;
    std::get<Route>(*six.after).next_hops[0].ifindex = 0;
    auto link = agent();
    EXPECT_EQ(apply(*link, {six})[0].status, FixStatus::applied);
    ask<KeepReply>(*link, Keep{});
    EXPECT_EQ(apply(*link, {six})[0].status, FixStatus::already);
    ask<KeepReply>(*link, Keep{});
}

TEST_F(AgentApply, RoutesOfEveryKindAreReplacedAndDeleted) {
    run("ip route add 10.200.1.0/24 via 10.240.0.99 proto static; ip route add blackhole 10.200.2.0/24");
    run("ip route add 10.200.3.0/24 proto 3 nexthop via 10.240.0.21 weight 3 nexthop via 10.240.0.22 weight "
        "1");
    run("ip route add 10.200.4.0/24 dev eth0 scope link src 10.240.0.20 table 4000000");
    run("ip -6 route add blackhole fd00:200:0:1::/64; ip -6 route add fd00:200:0:2::/64 via fd00:240::99 "
        "metric 9");
    run("ip -6 route add fd00:200:0:3::/64 nexthop via fd00:240::21 nexthop via fd00:240::22");
    run("ip route add 10.200.5.0/24 via inet6 fd00:240::21 dev eth0");
    Gather all = tutorial();
    all.pod_cidrs = {net("10.200.0.0/16"), net("fd00:200::/48")};
    const auto facts = gather(all);
    const auto now = [&](const std::string& destination) {
        for (const auto& r : *facts.routes)
            if (r.destination == net(destination)) return r;
        ADD_FAILURE() << destination;
        return Route{};
    };
    const auto right4 = [&](Route r) {
        r.type = RouteType::unicast;
        r.protocol = 112;
        r.next_hops = {{ip("10.240.0.21"), eth0, 0, 1}};
        return r;
    };
    const auto right6 = [&](Route r) {
        r = right4(r);
        r.next_hops = {{ip("fd00:240::21"), eth0, 0, 1}};
        return r;
    };
    const auto replaced = [](const Route& before, const Route& after) { return from_to(before, after); };
    there_and_back({replaced(now("10.200.1.0/24"), right4(now("10.200.1.0/24"))),
                    replaced(now("10.200.2.0/24"), right4(now("10.200.2.0/24"))),
                    removed(now("10.200.3.0/24")), removed(now("10.200.4.0/24")),
                    replaced(now("fd00:200:0:1::/64"), right6(now("fd00:200:0:1::/64"))),
                    replaced(now("fd00:200:0:2::/64"), right6(now("fd00:200:0:2::/64"))),
                    removed(now("fd00:200:0:3::/64")), removed(now("10.200.5.0/24"))});
}

TEST_F(AgentApply, AnAddBesideAnotherRouteToThePrefixIsRefused) {
    for (const std::string there :
         {"10.200.1.0/24 via 10.240.0.99 metric 100", "blackhole 10.200.1.0/24 metric 7",
          "10.200.1.0/24 via 10.240.0.99", "10.200.1.0/24 via 10.240.0.99 tos 8"}) {
        run("ip route add " + there);
        const auto before = state();
        auto link = agent();
        const auto outcome = apply(*link, {added("10.200.1.0/24", "10.240.0.21")})[0];
        EXPECT_EQ(outcome.status, FixStatus::refused) << there;
        EXPECT_NE(outcome.reason.find("10.240.0.99") == std::string::npos,
                  outcome.reason.find("blackhole") == std::string::npos)
            << outcome.reason;
        ask<KeepReply>(*link, Keep{});
        EXPECT_EQ(state(), before);
        run("ip route del " + there);
    }
    // In another table it is nobody's business, and what another program had is put back where it was.
    run("ip route add 10.200.1.0/24 via 10.240.0.99 table 100");
    run("ip route add 10.200.2.0/24 via 10.240.0.99 metric 100");
    auto link = agent();
    EXPECT_EQ(apply(*link, {added("10.200.1.0/24", "10.240.0.21")})[0].status, FixStatus::applied);
    ask<KeepReply>(*link, Keep{});
    const auto theirs = route("10.200.2.0/24", "10.240.0.98", 0, 3);
    EXPECT_EQ(apply(*link, {{object_of(theirs), std::nullopt, State{theirs}}})[0].status, FixStatus::applied);
    ask<KeepReply>(*link, Keep{});
}

TEST_F(AgentApply, FileExistsIsAnError) {
    auto netlink = agent::Netlink::open(NETLINK_ROUTE);
    ASSERT_TRUE(netlink);
    const auto r = route("10.200.1.0/24", "10.240.0.21");
    EXPECT_TRUE(agent::write_route(*netlink, nullptr, &r));
    const auto again = agent::write_route(*netlink, nullptr, &r);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().text, "File exists");
    // A route is deleted only as it is.
    for (auto other : {route("10.200.1.0/24", "10.240.0.22"), route("10.200.1.0/24", "10.240.0.21", 0, 3),
                       route("10.200.1.0/24", "10.240.0.21", 5)})
        EXPECT_FALSE(agent::write_route(*netlink, &other, nullptr));
    EXPECT_TRUE(agent::write_route(*netlink, &r, nullptr));
}

TEST_F(AgentApply, TheKernelsWordsAreTheReasonAndTheRestIsNotTried) {
    auto link = agent();
    const auto outcomes =
        apply(*link, {added("10.200.1.0/24", "10.240.0.21"), added("10.200.2.0/24", "192.0.2.1"),
                      added("10.200.3.0/24", "10.240.0.23")});
    EXPECT_EQ(outcomes[0].status, FixStatus::applied);
    EXPECT_EQ(outcomes[1].status, FixStatus::failed);
    EXPECT_EQ(outcomes[1].reason, "Network is unreachable: Nexthop has invalid gateway");
    EXPECT_EQ(outcomes[2].status, FixStatus::refused);
    EXPECT_EQ(outcomes[2].reason, "an earlier change failed");
    const auto back = ask<RevertReply>(*link, Revert{}).outcomes;
    ASSERT_EQ(back.size(), 3U);
    EXPECT_EQ(back[0].status, FixStatus::reverted);
    EXPECT_EQ(back[1].status, FixStatus::reverted);
    EXPECT_EQ(back[2].status, FixStatus::refused);
}

TEST_F(AgentApply, WhatIsOtherwiseThanPlannedIsLeftAlone) {
    run("ip route add 10.200.1.0/24 via 10.240.0.99; ip route add 10.200.2.0/24 via 10.240.0.21 proto 112");
    run("ip route add 10.200.3.0/24 via 10.240.0.99 mtu 1400; echo 2 "
        ">/proc/sys/net/ipv4/conf/eth0/rp_filter");
    const auto before = state();
    auto link = agent();
    const auto planned = route("10.200.1.0/24", "10.240.0.98", 0, 3);
    const auto metrics = route("10.200.3.0/24", "10.240.0.99", 0, 3);
    const auto outcomes = apply(
        *link, {from_to(planned, route("10.200.1.0/24", "10.240.0.21")),
                added("10.200.2.0/24", "10.240.0.21"),
                removed(metrics),
                {SysctlObject{"ipv4/conf/eth0/rp_filter"}, State{std::string("1")}, State{std::string("0")}},
                {FileObject{"/etc/passwd"}, std::nullopt, State{std::string("x")}},
                added("10.200.4.0/24", "10.240.0.24"),
                added("10.200.4.0/24", "10.240.0.25")});
    EXPECT_EQ(outcomes[0].status, FixStatus::refused);
    EXPECT_NE(outcomes[0].reason.find("10.240.0.99"), std::string::npos) << outcomes[0].reason;
    ASSERT_TRUE(outcomes[0].found.has_value());
    EXPECT_EQ(std::get<Route>(*outcomes[0].found).next_hops[0].gateway, ip("10.240.0.99"));
    EXPECT_EQ(outcomes[1].status, FixStatus::already);
    EXPECT_EQ(outcomes[2].status, FixStatus::refused);
    EXPECT_EQ(outcomes[3].status, FixStatus::refused);
    EXPECT_EQ(outcomes[3].reason, "it is no longer as planned: 2");
    EXPECT_EQ(outcomes[4].status, FixStatus::refused);
    EXPECT_EQ(outcomes[5].status, FixStatus::applied);
    EXPECT_EQ(outcomes[6].status, FixStatus::refused) << "a second change of one object";
    const auto back = ask<RevertReply>(*link, Revert{}).outcomes;
    EXPECT_EQ(back[1].status, FixStatus::already) << "what was so before is not taken back";
    EXPECT_EQ(state(), before);
}

TEST_F(AgentApply, ARouteWithMetricsOfItsOwnIsNotTouched) {
    run("ip route add 10.200.3.0/24 via 10.240.0.99 proto static mtu 1400");
    const auto before = state();
    auto link = agent();
    const auto outcome = apply(*link, {removed(route("10.200.3.0/24", "10.240.0.99", 0, 4))})[0];
    EXPECT_EQ(outcome.status, FixStatus::refused);
    EXPECT_NE(outcome.reason.find("metrics"), std::string::npos) << outcome.reason;
    ask<KeepReply>(*link, Keep{});
    EXPECT_EQ(state(), before);
}

TEST_F(AgentApply, OfChangesThatAnotherMadeSinceNothingIsTakenBack) {
    auto link = agent();
    const auto outcomes =
        apply(*link, {added("10.200.1.0/24", "10.240.0.21"), added("10.200.2.0/24", "10.240.0.22"),
                      added("10.200.3.0/24", "10.240.0.23")});
    run("ip route del 10.200.1.0/24; ip route replace 10.200.2.0/24 via 10.240.0.77");
    const auto back = ask<RevertReply>(*link, Revert{}).outcomes;
    EXPECT_EQ(back[0].status, FixStatus::reverted);
    EXPECT_EQ(back[0].reason, "it was so already");
    EXPECT_EQ(back[1].status, FixStatus::refused);
    EXPECT_NE(back[1].reason.find("10.240.0.77"), std::string::npos) << back[1].reason;
    EXPECT_EQ(back[2].status, FixStatus::reverted);
    EXPECT_EQ(run("ip route show proto 112"), "");
    EXPECT_EQ(run("ip route show 10.200.2.0/24"), "10.200.2.0/24 via 10.240.0.77 dev eth0 \n");
}

TEST_F(AgentApply, AProgramThatDeletesTheRouteAtOnceIsSeenOrDoesNoHarm) {
    const auto before = state();
    const auto ours = route("10.200.1.0/24", "10.240.0.21");
    std::jthread foe([&](const std::stop_token& stop) {
        auto netlink = agent::Netlink::open(NETLINK_ROUTE);
        while (!stop.stop_requested()) static_cast<void>(agent::write_route(*netlink, &ours, nullptr));
    });
    auto link = agent();
    for (int i = 0; i < 20; ++i) {
        const auto outcome = apply(*link, {added("10.200.1.0/24", "10.240.0.21")})[0];
        EXPECT_TRUE(outcome.status == FixStatus::applied || outcome.status == FixStatus::failed);
        if (outcome.status == FixStatus::failed) {
            EXPECT_EQ(outcome.reason, "it was written, but now it is otherwise: absent");
        }
        const auto back = ask<RevertReply>(*link, Revert{}).outcomes;
        // Between our reading and our writing it may go: then the kernel says that there is none.
        EXPECT_TRUE(back[0].status == FixStatus::reverted || back[0].reason == "No such process")
            << back[0].reason;
    }
    foe.request_stop();
    foe.join();
    EXPECT_EQ(state(), before);
}

TEST_F(AgentApply, PermanentNeighboursAreReplacedMadeAndDeleted) {
    run("ip neigh add 10.240.0.21 lladdr 02:00:00:00:00:99 nud permanent dev eth0");
    run("ip neigh add fd00:240::21 lladdr 02:00:00:00:00:98 nud permanent dev eth0");
    const auto entry = [&](const std::string& address, const std::string& mac) {
        return State{Neighbour{ip(address), eth0, mac, 128}};
    };
    there_and_back({{NeighbourObject{ip("10.240.0.21"), eth0}, entry("10.240.0.21", "02:00:00:00:00:99"),
                     entry("10.240.0.21", "02:00:00:00:00:21")},
                    {NeighbourObject{ip("fd00:240::21"), eth0}, entry("fd00:240::21", "02:00:00:00:00:98"),
                     std::nullopt},
                    {NeighbourObject{ip("10.240.0.22"), eth0}, std::nullopt,
                     entry("10.240.0.22", "02:00:00:00:00:22")}});
}

// As the kernel leaves it with ip_forward=1, but for the links that carry no pod traffic.
TEST_F(AgentApply, ASetOfSysctlsKeepsWhatShallStayAsItIs) {
    run("ip link add other0 type veth peer name other1");
    run("cd /proc/sys/net/ipv4; echo 0 >ip_forward; echo 1 >conf/all/accept_redirects; "
        "echo 1 >conf/other1/forwarding; echo 0 >conf/other0/accept_redirects");
    Values before;
    for (const std::string link : {"all", "default", "eth0", "far0", "lo", "other0", "other1"})
        for (const std::string name : {"forwarding", "accept_redirects"}) {
            const auto key = "ipv4/conf/" + link + "/" + name;
            before[key] = run("cat /proc/sys/net/" + key).substr(0, 1);
        }
    before["ipv4/ip_forward"] = "0";
    Values after = before;
    after["ipv4/ip_forward"] = after["ipv4/conf/all/forwarding"] = after["ipv4/conf/eth0/forwarding"] = "1";
    const Change change{SysctlSetObject{"ipv4/ip_forward"}, State{before}, State{after}};
    there_and_back({change});
    auto link = agent();
    EXPECT_EQ(apply(*link, {change})[0].status, FixStatus::applied);
    for (const auto& [key, value] : after)
        EXPECT_EQ(run("cat /proc/sys/net/" + key).substr(0, 1), value) << key;
    EXPECT_EQ(before.at("ipv4/conf/all/accept_redirects"), "1");
    EXPECT_EQ(before.at("ipv4/conf/other1/forwarding"), "1");
    // An interface that goes takes its sysctls along.
    run("ip link del other0");
    EXPECT_EQ(ask<RevertReply>(*link, Revert{}).outcomes[0].status, FixStatus::reverted);
    EXPECT_EQ(run("cat /proc/sys/net/ipv4/conf/eth0/forwarding"), "0\n");
    EXPECT_EQ(run("cat /proc/sys/net/ipv4/conf/all/accept_redirects"), "1\n");
}

TEST_F(AgentApply, TheForwardingOfIpv6IsASetToo) {
    const Values before{{"ipv6/conf/all/forwarding", "0"},
                        {"ipv6/conf/default/forwarding", "0"},
                        {"ipv6/conf/eth0/forwarding", "0"},
                        {"ipv6/conf/far0/forwarding", "0"}};
    Values after = before;
    after["ipv6/conf/all/forwarding"] = after["ipv6/conf/eth0/forwarding"] = "1";
    there_and_back(
        {{SysctlSetObject{"ipv6/conf/all/forwarding"}, State{before}, State{after}},
         {SysctlObject{"ipv4/conf/eth0/rp_filter"},
          State{run("cat /proc/sys/net/ipv4/conf/eth0/rp_filter").substr(0, 1)}, State{std::string("2")}}});
}

TEST_F(AgentApply, NamesThatLeadElsewhereAndValuesThatAreNoneAreRefused) {
    auto link = agent();
    const auto value = [](const std::string& text) { return State{text}; };
    for (const std::string name :
         {"ipv4/../../kernel/core_pattern", "/etc/passwd", "core/somaxconn", "ipv4//ip_forward",
          "ipv4/./ip_forward", "ipv4/none", "", "ipv4/ip_forward\n"}) {
        EXPECT_EQ(apply(*link, {{SysctlObject{name}, value("0"), value("1")}})[0].status, FixStatus::refused)
            << name;
        ask<KeepReply>(*link, Keep{});
    }
    const auto now = run("cat /proc/sys/net/ipv4/ip_forward").substr(0, 1);
    const auto outcome = apply(*link, {{SysctlObject{"ipv4/ip_forward"}, value(now), value("yes")}})[0];
    EXPECT_EQ(outcome.status, FixStatus::failed);
    EXPECT_EQ(outcome.reason, "ipv4/ip_forward: Invalid argument");
    ask<RevertReply>(*link, Revert{});
}

}  // namespace
}  // namespace podroute
