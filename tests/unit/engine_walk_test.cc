// The forwarding walk: where packets stop, and what an overlay changes.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "engine/walk.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::kEth0;
using testing::prefix;
using testing::reject;
using testing::via;

Flow pods(const std::string& from, const std::string& to, const Snapshot& snapshot) {
    for (const Flow& flow : verdict_flows(snapshot.inventory))
        if (to_string(flow.source) == from && to_string(flow.destination) == to) return flow;
    ADD_FAILURE() << "no such pair: " << from << " " << to;
    return {};
}

Walk between(const Cluster& cluster, const std::string& from = "pod node-0",
             const std::string& to = "pod node-1") {
    return walk(cluster.snapshot, pods(from, to, cluster.snapshot));
}

void expect_stop(const Leg& leg, const HostId& host, const std::string& reason, const std::string& code) {
    EXPECT_EQ(leg.status, WalkStatus::broken);
    EXPECT_EQ(leg.stopped_at, host);
    EXPECT_EQ(leg.reason, reason);
    EXPECT_EQ(leg.code, code);
}

TEST(Flows, OfTwoNodesAndAServer) {
    const auto flows = verdict_flows(Cluster(2).snapshot.inventory);
    ASSERT_EQ(flows.size(), 6U);
    EXPECT_EQ(to_string(flows[0].source), "node server");
    EXPECT_EQ(flows[0].destination.address, address("10.200.0.2"));
    EXPECT_EQ(verdict_flows(Cluster({.nodes = 2, .ipv6 = true}).snapshot.inventory).size(), 12U);
}

TEST(Walk, HealthyPairsPass) {
    for (const bool bridge : {true, false}) {
        const Cluster cluster({.nodes = 3, .ipv6 = true, .bridge = bridge});
        for (const Flow& flow : verdict_flows(cluster.snapshot.inventory)) {
            const Walk walked = walk(cluster.snapshot, flow);
            EXPECT_EQ(walked.status, WalkStatus::pass) << walked.request.reason << walked.reply.reason;
            EXPECT_EQ(walked.request.hops, (std::vector<HostId>{flow.source.host, flow.destination.host}));
        }
    }
}

TEST(Walk, AMissingRouteStopsRequestAndReply) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    expect_stop(between(cluster).request, "node-0", "falls to the default route via 10.240.0.1",
                "route-missing");
    const Walk other = between(cluster, "pod node-1", "pod node-0");
    EXPECT_EQ(other.request.status, WalkStatus::pass);
    EXPECT_EQ(other.reply.status, WalkStatus::broken);
    cluster.del_route("node-0", "0.0.0.0/0");
    expect_stop(between(cluster).request, "node-0", "no route", "route-missing");
    EXPECT_EQ(between(cluster, "node server", "pod node-0").status, WalkStatus::pass);
}

TEST(Walk, Forwarding) {
    Cluster all(2);
    all.set_sysctl("node-1", "ipv4/ip_forward", "0");
    expect_stop(between(all).request, "node-1", "forwarding is off", "forwarding-disabled");
    Cluster link(2);
    link.set_sysctl("node-1", "ipv4/conf/eth0/forwarding", "0");
    expect_stop(between(link).request, "node-1", "forwarding is off on eth0", "forwarding-disabled");
    EXPECT_EQ(between(link).reply.status, WalkStatus::pass);
    Cluster future({.nodes = 2, .bridge = false});
    future.set_sysctl("node-1", "ipv4/conf/default/forwarding", "0");
    expect_stop(between(future).reply, "node-1", "forwarding is off on new links", "forwarding-disabled");
    Cluster six({.nodes = 2, .ipv6 = true});
    six.set_sysctl("node-0", "ipv6/conf/all/forwarding", "0");
    EXPECT_EQ(between(six).status, WalkStatus::pass) << "IPv4 is another matter";
    for (const Flow& flow : verdict_flows(six.snapshot.inventory)) {
        if (flow.source.address.is_v4() || to_string(flow.source) != "pod node-0") continue;
        expect_stop(walk(six.snapshot, flow).request, "node-0", "IPv6 forwarding is off",
                    "forwarding-disabled");
    }
    for (const char* link_name : {"eth0", "cnio0"})
        six.set_sysctl("node-0", std::string("ipv6/conf/") + link_name + "/force_forwarding", "1");
    for (const Flow& flow : verdict_flows(six.snapshot.inventory))
        EXPECT_EQ(walk(six.snapshot, flow).status, WalkStatus::pass);
}

TEST(Walk, ForwardingNotReadIsUnknown) {
    Cluster cluster(2);
    cluster.facts("node-1").sysctls["ipv4/ip_forward"] = Unknown{"permission denied", "", ""};
    EXPECT_EQ(between(cluster).status, WalkStatus::unknown);
}

TEST(Walk, ReversePathFilter) {
    Cluster strict(2);
    for (const char* host : {"node-0", "node-1", "server"})
        strict.set_sysctl(host, "ipv4/conf/all/rp_filter", "1");
    EXPECT_EQ(between(strict).status, WalkStatus::pass) << "symmetric paths";
    // A second uplink of node-1 by which the way back to node-0's pods leaves.
    const auto second = [](Cluster& cluster) {
        cluster.add_link("node-1", 7, "eth1", "");
        cluster.add_address("node-1", "10.240.0.121", 24, 7);
        cluster.del_route("node-1", "10.200.0.0/24");
        cluster.add_route("node-1", via("10.200.0.0/24", "10.240.0.20", 7));
    };
    second(strict);
    expect_stop(between(strict).request, "node-1", "dropped by reverse path filter on eth0",
                "rp-filter-drop");
    Cluster loose(2);
    second(loose);
    loose.set_sysctl("node-1", "ipv4/conf/eth0/rp_filter", "2");
    EXPECT_EQ(between(loose).status, WalkStatus::pass);
}

TEST(Walk, LoopsEnd) {
    Cluster cluster(3);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.add_route("node-0", via("10.200.1.0/24", "10.240.0.22"));
    cluster.del_route("node-2", "10.200.1.0/24");
    cluster.add_route("node-2", via("10.200.1.0/24", "10.240.0.20"));
    expect_stop(between(cluster).request, "node-2", "loop", "route-wrong-gateway");
}

TEST(Walk, ASelfRouteSendsPodsAway) {
    Cluster cluster({.nodes = 2, .bridge = false});
    cluster.add_route("node-1", via("10.200.1.0/24", "10.240.0.20"));
    EXPECT_EQ(between(cluster).request.code, "pod-cidr-mismatch");
    Cluster calico({.nodes = 2, .bridge = false});
    calico.add_route("node-1", reject("10.200.1.0/24"));
    EXPECT_EQ(between(calico).status, WalkStatus::pass) << "pods' own routes will be more specific";
}

TEST(Walk, EveryEcmpLegMustPass) {
    Cluster cluster(3);
    for (Route& route : cluster.routes("node-0"))
        if (route.destination == prefix("10.200.1.0/24"))
            route.next_hops.push_back({address("10.240.0.99"), kEth0, 0, 1});
    expect_stop(between(cluster).request, "node-0", "leaves the cluster via 10.240.0.99",
                "route-wrong-gateway");
}

TEST(Walk, UnreadHostsAreUnknownNeverPass) {
    Cluster cluster(2);
    cluster.lose("node-1");
    const Walk walked = between(cluster);
    EXPECT_EQ(walked.status, WalkStatus::unknown);
    EXPECT_EQ(walked.request.stopped_at, "node-1");
    EXPECT_EQ(walked.request.code, "host-unreachable");
}

TEST(Walk, LinksAndNeighbours) {
    Cluster link(2);
    link.facts("node-1").links->at(2).flags = 0;
    expect_stop(between(link).request, "node-1", "cnio0 is down", "link-down");
    Cluster carrier(2);
    carrier.facts("node-1").links->at(2).carrier = false;
    EXPECT_EQ(between(carrier).status, WalkStatus::pass) << "a bridge without pods";

    Cluster neighbour(2);
    HostFindings findings;
    findings.solicited = {{address("10.240.0.21"), kEth0, "", 32}};
    RoundResult round;
    round.hosts["node-0"] = findings;
    neighbour.snapshot.rounds = {round};
    expect_stop(between(neighbour).request, "node-0", "10.240.0.21 does not answer", "gateway-unresolved");
}

TEST(Walk, AnAddressThatNoLinkCarries) {
    Cluster cluster(2);
    std::erase_if(*cluster.facts("node-1").addresses,
                  [](const InterfaceAddress& a) { return a.address == address("10.240.0.21"); });
    expect_stop(between(cluster).request, "node-1", "no link carries 10.240.0.21", "address-missing");
}

TEST(Walk, OverlayMends) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.set_sysctl("node-1", "ipv4/ip_forward", "0");
    cluster.set_sysctl("node-1", "ipv4/conf/eth0/forwarding", "0");
    cluster.set_sysctl("node-1", "ipv4/conf/cnio0/forwarding", "0");
    const Route right = via("10.200.1.0/24", "10.240.0.21");
    const HostChange route{"node-0", {RouteObject{right.destination, kTableMain, 0, 0}, std::nullopt, right}};
    const HostChange forwarding{"node-1",
                                {SysctlObject{"ipv4/ip_forward"}, std::string("0"), std::string("1")}};
    Walker walker(cluster.snapshot);
    const Flow flow = pods("pod node-0", "pod node-1", cluster.snapshot);
    EXPECT_EQ(walker.walk(flow, std::vector{route, forwarding}).status, WalkStatus::pass)
        << "raising ip_forward raises every link's";
    EXPECT_EQ(walker.walk(flow, std::vector{route}).request.stopped_at, "node-1");
    EXPECT_EQ(walker.walk(flow, std::vector{forwarding}).request.stopped_at, "node-0");
    EXPECT_EQ(walker.walk(flow).request.stopped_at, "node-0") << "an overlay leaves nothing behind";
}

RC_GTEST_PROP(WalkProperty, AnOverlayEqualsARebuiltSnapshot, ()) {
    Cluster cluster(3);
    std::vector<HostChange> overlay;
    Cluster rebuilt = cluster;
    const int changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes; ++i) {
        const HostId host = *rc::gen::element<HostId>("server", "node-0", "node-1", "node-2");
        auto& routes = rebuilt.routes(host);
        if (*rc::gen::arbitrary<bool>()) {
            const auto at = *rc::gen::inRange<std::size_t>(0, routes.size());
            const Route gone = routes[at];
            overlay.push_back(
                {host, {RouteObject{gone.destination, gone.table, gone.metric, 0}, gone, std::nullopt}});
            routes.erase(routes.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            Route added = via("10.200." + std::to_string(*rc::gen::inRange(0, 3)) + ".0/25",
                              "10.240.0.2" + std::to_string(*rc::gen::inRange(0, 4)));
            if (*rc::gen::inRange(0, 3) == 0) added = reject(added.destination.to_string());
            added.metric = *rc::gen::inRange(0U, 3U);
            // A kernel holds one route of a key: a second one is refused.
            const bool held = std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
                return route.destination == added.destination && route.table == added.table &&
                       route.metric == added.metric;
            });
            if (held) continue;
            overlay.push_back(
                {host, {RouteObject{added.destination, added.table, added.metric, 0}, std::nullopt, added}});
            routes.push_back(added);
        }
    }
    for (const Flow& flow : verdict_flows(cluster.snapshot.inventory)) {
        const Walk a = walk(cluster.snapshot, flow, overlay);
        const Walk b = walk(rebuilt.snapshot, flow);
        RC_ASSERT(a.status == b.status);
        RC_ASSERT(a.request.stopped_at == b.request.stopped_at);
        RC_ASSERT(a.request.reason == b.request.reason);
        RC_ASSERT(a.reply.reason == b.reply.reason);
    }
}

}  // namespace
}  // namespace podroute
