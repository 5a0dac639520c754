// What the checks of bounded tables say, and what they tell a person to type.
#include <gtest/gtest.h>

#include "checks/table_room.h"
#include "tests/unit/checks_verdicts.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute::testing {
namespace {

constexpr const char* kConntrack = "conntrack-room";
constexpr const char* kNeighbours = "neighbour-room";

Cluster followed(const std::string& count, const std::string& max) {
    Cluster cluster(2);
    cluster.facts("node-0").sysctls["netfilter/nf_conntrack_count"] = count;
    cluster.facts("node-0").sysctls["netfilter/nf_conntrack_max"] = max;
    return cluster;
}

Cluster neighbours(const NeighbourTable& table, const std::string& limit) {
    Cluster cluster(2);
    cluster.facts("node-0").neighbour_table_v4 = table;
    cluster.facts("node-0").sysctls["ipv4/neigh/default/gc_thresh3"] = limit;
    return cluster;
}

Status neighbour_status(const NeighbourTable& table, const std::string& limit = "1024") {
    return verdict_of(neighbours(table, limit).snapshot, kNeighbours, "node-0").status;
}

TEST(TableRoom, LittleIsNineteenOfTwentyAndNoneIsAll) {
    EXPECT_EQ(room_of(949, 1000), Room::enough);
    EXPECT_EQ(room_of(950, 1000), Room::little);
    EXPECT_EQ(room_of(999, 1000), Room::little);
    EXPECT_EQ(room_of(1000, 1000), Room::none);
    EXPECT_EQ(room_of(18, 19), Room::enough);
    EXPECT_EQ(room_of(0, 0), Room::none);
    EXPECT_EQ(room_of(~std::uint64_t{0}, ~std::uint64_t{0}), Room::none);
}

TEST(ConntrackRoom, CountsTheConnectionsAndDoublesTheLimit) {
    const Cluster cluster = followed("262144", "262144");
    const Cause cause = cause_of(cluster.snapshot, kConntrack, "node-0");
    EXPECT_EQ(cause.commands, Lines{"ssh root@node-0 sysctl -w net.netfilter.nf_conntrack_max=524288"});
    EXPECT_EQ(cause.automatic, Automatic::never);
    ASSERT_EQ(cause.evidence.size(), 1U);
    EXPECT_TRUE(cause.evidence[0].starts_with("262144 of 262144 connections are followed"))
        << cause.evidence[0];
    const Verdict verdict = verdict_of(cluster.snapshot, kConntrack, "node-0");
    EXPECT_EQ(verdict.expected, "fewer than 262144 connections");
    EXPECT_EQ(verdict.observed, "262144");
}

TEST(ConntrackRoom, TheCommandStaysANumberThatTheKernelTakes) {
    const Cause cause = cause_of(followed("2147483647", "2147483647").snapshot, kConntrack, "node-0");
    EXPECT_EQ(cause.commands, Lines{"ssh root@node-0 sysctl -w net.netfilter.nf_conntrack_max=2147483647"});
}

TEST(ConntrackRoom, WhatIsNotShownIsSkippedWithTheReason) {
    Cluster cluster(2);
    Verdict verdict = verdict_of(cluster.snapshot, kConntrack, "node-0");
    EXPECT_EQ(verdict.status, Status::skip);
    EXPECT_EQ(verdict.message, "connections are not followed");
    cluster = followed("5", "7 or so");
    verdict = verdict_of(cluster.snapshot, kConntrack, "node-0");
    EXPECT_EQ(verdict.status, Status::skip);
    EXPECT_EQ(verdict.message, "net.netfilter.nf_conntrack_max was not read: its value is no number");
    cluster.facts("node-0").sysctls.erase("netfilter/nf_conntrack_max");
    EXPECT_EQ(verdict_of(cluster.snapshot, kConntrack, "node-0").message,
              "net.netfilter.nf_conntrack_max was not read");
    cluster.snapshot.hosts["node-0"] = Unknown{"no answer", "host-unreachable", ""};
    EXPECT_EQ(verdict_of(cluster.snapshot, kConntrack, "node-0").status, Status::unknown);
}

TEST(ConntrackRoom, ALimitOfZeroIsNone) {
    EXPECT_EQ(verdict_of(followed("5", "0").snapshot, kConntrack, "node-0").status, Status::pass);
}

TEST(NeighbourRoom, FullIsAtTheLimitOrNearItWithRefusals) {
    EXPECT_EQ(neighbour_status({1024, 0, 0}), Status::fail);
    EXPECT_EQ(neighbour_status({1000, 0, 1}), Status::fail);
    EXPECT_EQ(neighbour_status({1000, 0, 0}), Status::warn);
    EXPECT_EQ(neighbour_status({300, 0, 900}), Status::pass);
    EXPECT_EQ(neighbour_status({9000, 8500, 900}), Status::pass);
    EXPECT_EQ(neighbour_status({5, 8500, 0}), Status::pass) << "counted at different moments";
    EXPECT_EQ(neighbour_status({~std::uint64_t{0}, 0, ~std::uint64_t{0}}), Status::fail);
    EXPECT_EQ(neighbour_status({5, 0, 0}, "-1"), Status::skip);
    EXPECT_EQ(neighbour_status({5, 0, 0}, "99999999999"), Status::skip);
}

TEST(NeighbourRoom, SaysWhatWasRefusedAndBothThresholds) {
    const Cause cause = cause_of(neighbours({1030, 6, 12}, "1024").snapshot, kNeighbours, "node-0", "IPv4");
    const Lines wanted{"ssh root@node-0 sysctl -w net.ipv4.neigh.default.gc_thresh3=2048",
                       "ssh root@node-0 sysctl -w net.ipv4.neigh.default.gc_thresh2=1024"};
    EXPECT_EQ(cause.commands, wanted);
    ASSERT_FALSE(cause.evidence.empty());
    EXPECT_NE(cause.evidence[0].find("1024 of 1024 entries"), std::string::npos) << cause.evidence[0];
    EXPECT_NE(cause.evidence[0].find("12 refused since the kernel started"), std::string::npos);
}

TEST(NeighbourRoom, OldRefusalsAreTold) {
    const Verdict verdict = verdict_of(neighbours({300, 0, 12}, "1024").snapshot, kNeighbours, "node-0");
    EXPECT_EQ(verdict.message, "300 of 1024 entries, 12 refused since the kernel started (table_fulls)");
}

TEST(NeighbourRoom, EachFamilyOfTheHostIsLookedAt) {
    Cluster cluster({.nodes = 2, .ipv6 = true});
    HostFacts& facts = cluster.facts("node-0");
    facts.neighbour_table_v6 = NeighbourTable{2048, 0, 3};
    facts.sysctls["ipv6/neigh/default/gc_thresh3"] = std::string("2048");
    EXPECT_EQ(verdict_of(cluster.snapshot, kNeighbours, "node-0", "IPv4").status, Status::skip);
    const Cause cause = cause_of(cluster.snapshot, kNeighbours, "node-0", "IPv6");
    EXPECT_EQ(cause.commands[0], "ssh root@node-0 sysctl -w net.ipv6.neigh.default.gc_thresh3=4096");
}

}  // namespace
}  // namespace podroute::testing
