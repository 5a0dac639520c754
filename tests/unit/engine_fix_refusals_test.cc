// Each reason to leave a host alone, by a cluster that has only that one. Without it the route would be
// added: Accepted holds that.
#include <gtest/gtest.h>

#include "engine/fix_refusals.h"
#include "tests/unit/engine_fix_cases.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::kEth0;
using testing::one_route_missing;
using testing::planned;
using testing::prefix;
using testing::via;

// The one fix is refused, and the reason says why.
void expect_refused(const std::vector<Fix>& fixes, const std::string& part) {
    ASSERT_EQ(fixes.size(), 1U);
    EXPECT_EQ(fixes[0].status, FixStatus::refused);
    EXPECT_NE(fixes[0].reason.find(part), std::string::npos) << fixes[0].reason;
}

Cause warning(const std::string& code, const HostId& host, const std::string& subject = "") {
    Cause cause;
    cause.code = code;
    cause.host = host;
    cause.subject = subject;
    cause.summary = code + " on " + host;
    cause.severity = Severity::warning;
    return cause;
}

std::vector<Cause> with(const Cluster& cluster, const Cause& cause) {
    auto causes = testing::route_causes(cluster.snapshot);
    causes.push_back(cause);
    return causes;
}

TEST(FixRefusals, Accepted) {
    const auto fixes = planned(one_route_missing());
    ASSERT_EQ(fixes.size(), 1U);
    EXPECT_EQ(fixes[0].status, FixStatus::planned) << fixes[0].reason;
}

// No cause is given for an overlap, so the guard is asked.
TEST(FixRefusals, ACidrInAnOverlap) {
    Cluster cluster = one_route_missing();
    const Fix fix = planned(cluster).at(0);
    cluster.snapshot.inventory.hosts[1].pod_cidrs.push_back(prefix("10.200.1.128/25"));
    FixGuard guard(cluster.snapshot, {});
    EXPECT_NE(guard.refusal("node-0", fix.change).find("overlap of the inventory"), std::string::npos);
}

TEST(FixRefusals, TheSshPeer) {
    Cluster cluster = one_route_missing();
    cluster.facts("node-0").ssh_connection = "10.200.1.7 40000 10.240.0.20 22";
    expect_refused(planned(cluster), "10.200.1.0/24 covers 10.200.1.7, from where this SSH session comes");
}

TEST(FixRefusals, AnUnknownSshPeer) {
    for (const char* text : {"", "somewhere 1 2 3"}) {
        Cluster cluster = one_route_missing();
        cluster.facts("node-0").ssh_connection = text;
        expect_refused(planned(cluster), "where this SSH session comes from is not known");
    }
}

TEST(FixRefusals, ADefaultGateway) {
    Cluster cluster = one_route_missing();
    Route other = via("0.0.0.0/0", "10.200.1.254");
    other.metric = 500;
    cluster.add_route("node-0", other);
    expect_refused(planned(cluster), "10.200.1.254, a default gateway");
}

TEST(FixRefusals, ANameserver) {
    Cluster cluster = one_route_missing();
    cluster.facts("node-0").nameservers = std::vector<Address>{address("10.200.1.53")};
    expect_refused(planned(cluster), "10.200.1.53, a nameserver");
}

TEST(FixRefusals, UnknownNameservers) {
    Cluster cluster = one_route_missing();
    cluster.facts("node-0").nameservers = Unknown{"permission denied", "", ""};
    expect_refused(planned(cluster), "nameservers were not read: permission denied");
}

TEST(FixRefusals, TheAddressesOfClouds) {
    for (const char* network : {"168.63.129.0/24", "169.254.169.0/24"}) {
        Cluster cluster(2);
        cluster.snapshot.inventory.hosts[2].pod_cidrs = {prefix(network)};
        cluster.facts("server").routes = cluster.routes("node-0");
        cluster.lose("server");
        cluster.del_route("node-0", "10.200.1.0/24");
        expect_refused(planned(cluster), std::string(network) + " covers 16");
    }
}

TEST(FixRefusals, AConnectedNetworkThatIsNotThePodNetwork) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    const Fix fix = planned(cluster).at(0);
    cluster.add_link("node-0", 9, "docker0", "bridge");
    cluster.add_address("node-0", "10.200.0.1", 16, 9);
    FixGuard guard(cluster.snapshot, {});
    EXPECT_EQ(guard.refusal("node-0", fix.change),
              "10.200.1.0/24 overlaps 10.200.0.0/16, a network connected to docker0");
}

TEST(FixRefusals, ANextHopThatIsNotOnLink) {
    Cluster cluster = one_route_missing();
    for (InterfaceAddress& a : *cluster.facts("node-0").addresses)
        if (a.address == address("10.240.0.20")) a.prefix_length = 32;
    expect_refused(planned(cluster), "the next hop 10.240.0.21 is not on the network of eth0");
}

TEST(FixRefusals, AnUplinkThatIsDown) {
    Cluster cluster = one_route_missing();
    const Fix fix = planned(cluster).at(0);
    for (Link& link : *cluster.facts("node-0").links)
        if (link.index == kEth0) link.carrier = false;
    FixGuard guard(cluster.snapshot, {});
    EXPECT_EQ(guard.refusal("node-0", fix.change), "eth0, by which it would leave, is down");
}

TEST(FixRefusals, AnOwnerThatWasNotRead) {
    Cluster cluster = one_route_missing();
    cluster.lose("node-1");
    expect_refused(planned(cluster), "10.240.0.21 was not seen on its host in this run");
}

TEST(FixRefusals, AnOwnerThatDoesNotCarryItsAddress) {
    Cluster cluster = one_route_missing();
    std::erase_if(*cluster.facts("node-1").addresses,
                  [](const InterfaceAddress& a) { return a.address == address("10.240.0.21"); });
    expect_refused(planned(cluster), "10.240.0.21 was not seen on its host in this run");
}

TEST(FixRefusals, AnOwnerInDoubt) {
    Cluster cluster = one_route_missing();
    for (const char* code : {"address-missing", "address-duplicate", "link-down"}) {
        Cause cause = warning(code, "node-1", "10.240.0.21");
        cause.severity = Severity::error;
        expect_refused(planned(cluster, with(cluster, cause)), std::string("is in doubt: ") + code);
    }
}

TEST(FixRefusals, AnOwnerThatDoesNotAnswer) {
    Cluster cluster = one_route_missing();
    HostFindings findings;
    findings.solicited = {{address("10.240.0.21"), kEth0, "", 32}};
    cluster.snapshot.rounds.emplace_back().hosts["node-0"] = findings;
    expect_refused(planned(cluster), "10.240.0.21 does not answer node-0");
}

TEST(FixRefusals, APrefixThatIsThereAlready) {
    for (const RouteType type : {RouteType::unicast, RouteType::throw_, RouteType::blackhole}) {
        Cluster cluster = one_route_missing();
        const Fix fix = planned(cluster).at(0);
        Route standing = via("10.200.1.0/24", "10.240.0.99");
        standing.type = type;
        standing.metric = 700;
        cluster.add_route("node-0", standing);
        FixGuard guard(cluster.snapshot, {});
        EXPECT_NE(guard.refusal("node-0", fix.change).find("is there already"), std::string::npos);
    }
}

TEST(FixRefusals, AForeignDatapath) {
    const Cluster cluster = one_route_missing();
    expect_refused(planned(cluster, with(cluster, warning("datapath-foreign", "node-0"))),
                   "a network plugin with a datapath of its own runs there");
    EXPECT_EQ(planned(cluster, with(cluster, warning("datapath-foreign", "node-1"))).at(0).status,
              FixStatus::planned)
        << "that of another host is none of this one's business";
}

TEST(FixRefusals, TheFabricRoutes) {
    Cluster cluster = one_route_missing();
    const auto causes = testing::route_causes(cluster.snapshot);
    cluster.snapshot.policy.routing = Routing::fabric;
    expect_refused(planned(cluster, causes), "routed by the fabric");
    cluster.snapshot.policy.routing = Routing::automatic;
    expect_refused(planned(cluster, with(cluster, warning("routed-by-fabric", ""))), "routed by the fabric");
}

// Of a route table that lacks an entry: routes on hosts would hide that, and mend nothing.
TEST(FixRefusals, TheNetworkDeliversWhatNoHostHasARouteFor) {
    Cluster cluster(2);
    for (auto& [name, facts] : cluster.snapshot.hosts)
        std::erase_if(*facts->routes, [](const Route& route) {
            return !route.next_hops.empty() && route.next_hops.front().gateway &&
                   !route.destination.is_default();
        });
    const auto causes = testing::route_causes(cluster.snapshot);
    const auto all = [&](FixStatus status, const std::string& reason) {
        const auto fixes = planned(cluster, causes);
        EXPECT_EQ(fixes.size(), 4U);
        for (const Fix& fix : fixes) {
            EXPECT_EQ(fix.status, status) << fix.reason;
            EXPECT_EQ(fix.reason.substr(0, reason.size()), reason);
        }
    };
    all(FixStatus::planned, "");  // nothing comes through
    ProbeResult& probe = cluster.snapshot.rounds.emplace_back().probes.emplace_back();
    probe.source = {"server", Vantage::node, testing::address("10.240.0.10")};
    probe.destination = {"node-1", Vantage::pod, testing::address("10.200.1.200")};
    probe.sent = probe.arrived = probe.answered = 3;
    all(FixStatus::refused, "no host holds pod routes, and yet some packets come through");
    cluster.snapshot.policy.routing = Routing::host;
    all(FixStatus::planned, "");  // as it was told
}

TEST(FixRefusals, TablesThatWereNotRead) {
    const Cluster good = one_route_missing();
    const Fix fix = planned(good).at(0);
    const auto refused = [&](auto forget, const std::string& why) {
        Cluster cluster = good;
        forget(cluster.facts("node-0"));
        FixGuard guard(cluster.snapshot, {});
        EXPECT_EQ(guard.refusal("node-0", fix.change), why);
    };
    const Unknown unknown{"no permission", "", ""};
    refused([&](HostFacts& f) { f.routes = unknown; }, "its routing tables were not read");
    refused([&](HostFacts& f) { f.rules = unknown; }, "its routing tables were not read");
    refused([&](HostFacts& f) { f.links = unknown; }, "its links or addresses were not read");
    refused([&](HostFacts& f) { f.addresses = unknown; }, "its links or addresses were not read");
    Cluster cluster = good;
    cluster.lose("node-0");
    FixGuard guard(cluster.snapshot, {});
    EXPECT_EQ(guard.refusal("node-0", fix.change), "node-0 was not read");
}

TEST(FixRefusals, WhatTheWalkDoesNotPredictToHelp) {
    // node-1 forwards nothing and that is not mended: a route to it gets no packet through.
    Cluster cluster = one_route_missing();
    for (const char* name : {"ipv4/ip_forward", "ipv4/conf/eth0/forwarding"})
        cluster.set_sysctl("node-1", name, "0");
    expect_refused(planned(cluster), "no packet would get through that does not now");
}

TEST(FixRefusals, ObjectsThatNoFixTouches) {
    const Cluster cluster(2);
    FixGuard guard(cluster.snapshot, {});
    for (const Object& object : {Object{FileObject{"/etc/passwd"}}, Object{LinkObject{"eth0"}}})
        EXPECT_FALSE(guard.refusal("node-0", Change{object, {}, {}}).empty());
}

}  // namespace
}  // namespace podroute
