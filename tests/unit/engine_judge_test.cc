// Folding, prediction, and the verdict of the run, with one check that puts the route class forward.
#include <gtest/gtest.h>

#include <set>

#include "engine/classify.h"
#include "engine/judge.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::Cluster;
using testing::lookup_rule;
using testing::prefix;
using testing::via;

std::vector<Verdict> route_present(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    Classifier classifier(snapshot);
    std::vector<Verdict> verdicts;
    for (const ExpectedRoute& route : expected.routes) {
        Classification c = classifier.classify(route);
        Verdict verdict;
        verdict.host = route.host;
        verdict.subject = route.pod_cidr.to_string();
        verdict.status = c.cause                              ? Status::fail
                         : c.route_class == RouteClass::right ? Status::pass
                                                              : Status::unknown;
        verdict.blocked_by = c.blocked_by;
        if (c.cause) verdict.causes.push_back(*c.cause);
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

// One warning or access error, by the name of the host.
std::vector<Verdict> reached(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const auto& [host, facts] : snapshot.hosts) {
        Verdict verdict;
        verdict.host = host;
        verdict.status = facts.known() ? Status::pass : Status::fail;
        if (!facts.known()) {
            Cause cause;
            cause.code = facts.unknown().code;
            cause.host = host;
            verdict.causes.push_back(cause);
        }
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

std::vector<Verdict> warns(const Snapshot&, const Expected&, const ProbeFacts&) {
    Verdict verdict;
    verdict.status = Status::warn;
    Cause cause;
    cause.code = "firewall-mixed";
    cause.severity = Severity::warning;
    verdict.causes.push_back(cause);
    return {verdict};
}

const Check kReached{"host-reached", Layer::access, true, reached};
const Check kRoutes{"route-present", Layer::routes, true, route_present};
const Check kWarns{"firewall-single", Layer::forwarding, false, warns};

Report run(const Cluster& cluster, std::vector<Check> checks = {kReached, kRoutes}) {
    return judge(cluster.snapshot, checks);
}

TEST(Judge, HealthyPasses) {
    const Report report = run(Cluster({.nodes = 3, .ipv6 = true}));
    EXPECT_EQ(report.exit_code, 0);
    EXPECT_EQ(report.verdict, RunVerdict::pass);
    EXPECT_TRUE(report.diagnoses.empty());
    EXPECT_EQ(report.pairs.total, 24U);
    EXPECT_EQ(report.pairs.broken, 0U);
    std::set<std::string> ids;
    for (const CheckResult& check : report.checks) EXPECT_TRUE(ids.insert(check.id).second) << check.id;
}

TEST(Judge, OneMissingRouteIsOneCauseThatExplainsAll) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    const Report report = run(cluster);
    EXPECT_EQ(report.exit_code, 1);
    ASSERT_EQ(report.diagnoses.size(), 1U);
    const Diagnosis& diagnosis = report.diagnoses[0];
    EXPECT_EQ(diagnosis.cause.code, "route-missing");
    EXPECT_EQ(diagnosis.explains, 2U);
    EXPECT_EQ(diagnosis.affects, std::vector<std::string>{"route-present/node-0/10.200.1.0/24"});
    ASSERT_EQ(diagnosis.cause.evidence.size(), 2U);
    EXPECT_EQ(diagnosis.cause.evidence[0],
              "pod node-0 → pod node-1   request stops at node-0: falls to the default route via 10.240.0.1");
    EXPECT_EQ(diagnosis.cause.evidence[1],
              "pod node-1 → pod node-0   request arrives, reply stops at node-0: falls to the default route "
              "via 10.240.0.1");
    EXPECT_EQ(report.pairs.broken, 2U);
    EXPECT_EQ(report.pairs.explained, 2U);
    EXPECT_EQ(report.paths.size(), 2U);
}

TEST(Judge, BothDirectionsMissingAreMendedTogether) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.del_route("node-1", "10.200.0.0/24");
    const Report report = run(cluster);
    ASSERT_EQ(report.diagnoses.size(), 2U);
    EXPECT_EQ(report.diagnoses[0].together_with,
              std::vector<std::string>{"route-missing/node-1/10.200.0.0/24"});
    EXPECT_EQ(report.pairs.explained, 2U);
}

TEST(Judge, ARuleThatDivertsManyNetworksIsOneCause) {
    Cluster cluster(4);
    Rule rule = lookup_rule(Family::v4, 100, 100);
    rule.source = prefix("10.200.0.0/24");
    cluster.facts("node-0").rules->push_back(rule);
    Route route = via("0.0.0.0/0", "10.240.0.1");
    route.table = 100;
    cluster.add_route("node-0", route);
    const Report report = run(cluster);
    ASSERT_EQ(report.diagnoses.size(), 1U);
    EXPECT_EQ(report.diagnoses[0].cause.code, "rule-diverted");
    EXPECT_EQ(report.diagnoses[0].affects.size(), 3U);
    EXPECT_EQ(report.pairs.explained, report.pairs.broken);
}

TEST(Judge, WhatNoCauseExplainsIsSaid) {
    Cluster cluster(2);
    cluster.set_sysctl("node-1", "ipv4/ip_forward", "0");  // no check of ours looks at it
    const Report report = run(cluster);
    ASSERT_FALSE(report.diagnoses.empty());
    EXPECT_EQ(report.diagnoses[0].cause.code, "unexplained");
    EXPECT_EQ(report.diagnoses[0].cause.host, "node-1");
    EXPECT_EQ(report.exit_code, 1);
    cluster.snapshot.policy.layers = {Layer::routes};
    EXPECT_EQ(run(cluster).exit_code, 0) << "the user left the check out";
}

TEST(Judge, ExitCodes) {
    Cluster unreachable(2);
    unreachable.lose("node-1");
    EXPECT_EQ(run(unreachable).exit_code, 1);
    Cluster refused(2);
    refused.snapshot.hosts["node-1"] = Unknown{"no key", "ssh-auth-failed", ""};
    EXPECT_EQ(run(refused).exit_code, 3);
    EXPECT_EQ(run(refused).verdict, RunVerdict::unknown);
    refused.del_route("node-0", "10.200.1.0/24");
    EXPECT_EQ(run(refused).exit_code, 1) << "a network cause stands";
    Cluster cancelled(2);
    cancelled.snapshot.run.cancelled = true;
    EXPECT_EQ(run(cancelled).exit_code, 3);
    EXPECT_EQ(run(Cluster(2), {}).exit_code, 3) << "nothing was tested";
    Cluster warned(2);
    EXPECT_EQ(run(warned, {kReached, kWarns}).exit_code, 0);
    warned.snapshot.policy.fail_on = FailOn::warning;
    EXPECT_EQ(run(warned, {kReached, kWarns}).exit_code, 1);
}

TEST(Judge, Selection) {
    Cluster cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.snapshot.policy.only = {"node-1"};
    EXPECT_EQ(run(cluster).exit_code, 0);
    cluster.snapshot.policy.only.clear();
    cluster.snapshot.policy.skip = {"route-present"};
    const Report skipped = run(cluster);
    EXPECT_EQ(skipped.exit_code, 0);
    EXPECT_EQ(skipped.checks_summary.skip, 4U);
}

TEST(Judge, FabricNeedsNoRoutes) {
    Cluster cluster({.nodes = 2, .routes = false});
    cluster.snapshot.policy.routing = Routing::fabric;
    const Report report = run(cluster);
    EXPECT_EQ(report.exit_code, 0);
    ASSERT_EQ(report.diagnoses.size(), 1U);
    EXPECT_EQ(report.diagnoses[0].cause.code, "routed-by-fabric");
    EXPECT_EQ(report.checks_summary.skip, 4U);
}

TEST(Judge, OverlappingNetworksAreNotRouteErrors) {
    Cluster cluster(2);
    cluster.snapshot.inventory.hosts[2].pod_cidrs = {prefix("10.200.0.0/24")};
    const Report report = run(cluster);
    EXPECT_TRUE(report.diagnoses.empty());
    EXPECT_EQ(report.pairs.unknown, report.pairs.total);
}

// The bridge carries another network than the inventory says.
std::vector<Verdict> own_network(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        for (const Prefix& cidr : host.pod_cidrs) {
            bool carried = false;
            for (const InterfaceAddress& address : *snapshot.hosts.at(host.name)->addresses)
                carried = carried || cidr.contains(address.address);
            if (carried) continue;
            Verdict verdict;
            verdict.host = host.name;
            verdict.status = Status::fail;
            Cause cause;
            cause.code = "pod-cidr-mismatch";
            cause.host = host.name;
            cause.subject = cidr.to_string();
            verdict.causes.push_back(cause);
            verdicts.push_back(verdict);
        }
    }
    return verdicts;
}

TEST(Judge, SwappedNetworksAreTheFaultOfTheirTwoHosts) {
    Cluster cluster(3);
    std::swap(cluster.snapshot.inventory.hosts[1].pod_cidrs, cluster.snapshot.inventory.hosts[2].pod_cidrs);
    const Report report =
        run(cluster, {kReached, kRoutes, {"pod-cidr-own", Layer::links, true, own_network}});
    for (const Diagnosis& diagnosis : report.diagnoses)
        EXPECT_TRUE(diagnosis.cause.code == "pod-cidr-mismatch" || diagnosis.cause.code == "route-shadowed")
            << diagnosis.cause.code << " " << diagnosis.cause.host;
    EXPECT_EQ(report.pairs.explained, report.pairs.broken);
}

std::vector<Verdict> skips(const Snapshot&, const Expected&, const ProbeFacts&) {
    Verdict verdict;
    verdict.status = Status::skip;
    verdict.message = "link down";
    verdict.blocked_by = "firewall-single";
    return {verdict};
}

// A skip points at what was found elsewhere; with nothing there, nothing was seen.
TEST(Judge, WhatIsSkippedForACheckThatIsNotSelectedIsUnknown) {
    const Check skipped{"path-mtu", Layer::mtu, true, skips};
    EXPECT_EQ(run(Cluster(2), {kReached, kWarns, skipped}).checks.back().verdict.status, Status::skip);
    const Report report = run(Cluster(2), {kReached, skipped});
    EXPECT_EQ(report.checks.back().verdict.status, Status::unknown);
    EXPECT_EQ(report.checks.back().verdict.message, "link down; firewall-single is not judged");
    EXPECT_EQ(report.exit_code, 3);
}

// 101 hosts, not one route: 10,000 causes for 10,100 broken pairs.
TEST(Judge, EveryMissingRouteOfABareClusterOfAHundredNodesIsFound) {
    const Cluster cluster({.nodes = 100, .routes = false});
    const Report report = run(cluster);
    EXPECT_EQ(report.diagnoses.size(), 10000U);
    EXPECT_EQ(report.pairs.broken, 10100U);
    EXPECT_EQ(report.pairs.explained, 10100U);
}

}  // namespace
}  // namespace podroute
