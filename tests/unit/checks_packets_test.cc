// What the checks about packets say, of counts that no scenario brings about.
#include "tests/unit/checks_verdicts.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::verdict_of;

// Two nodes, and what became of the packets between their pods.
struct Pair {
    Cluster cluster{2};

    ProbeResult& add(const std::string& from, const std::string& to, Purpose purpose, std::uint32_t sent,
                     std::uint32_t arrived, std::uint32_t answered, std::uint32_t size = 84) {
        if (cluster.snapshot.rounds.empty()) cluster.snapshot.rounds.emplace_back().stage = RoundStage::main;
        ProbeResult result;
        const auto end = [](const std::string& node) {
            return Endpoint{node, Vantage::pod, address(node == "node-0" ? "10.200.0.200" : "10.200.1.200")};
        };
        result.source = end(from);
        result.destination = end(to);
        result.purpose = purpose;
        result.size = size;
        result.sent = sent;
        result.arrived = arrived;
        result.answered = answered;
        auto& probes = cluster.snapshot.rounds.back().probes;
        probes.push_back(result);
        return probes.back();
    }
    void add_full_size(const std::string& from, const std::string& to, std::uint32_t sent,
                       std::uint32_t arrived, std::uint32_t answered) {
        add(from, to, Purpose::full_size, sent, arrived, answered, 1500);
    }
    Verdict mtu(const std::string& from = "node-0") const {
        return verdict_of(cluster.snapshot, "path-mtu", from);
    }
};

// A run in which node-0 opened these pods.
struct Opened {
    Cluster cluster{2};

    explicit Opened(const std::vector<std::string>& addresses, const std::string& kept_off = "") {
        RoundResult& round = cluster.snapshot.rounds.emplace_back();
        round.stage = RoundStage::pods;
        HostFindings findings;
        std::uint32_t number = 0;
        for (const std::string& text : addresses) {
            PodSpec spec;
            spec.number = ++number;
            spec.addresses = {address(text)};
            findings.pods.push_back({"node-0", Vantage::pod, address(text)});
            findings.asked.push_back(spec);
            OpenedPod opened;
            opened.number = number;
            opened.kept_off = kept_off;
            findings.opened.push_back(opened);
        }
        findings.pods_refused = {{"pod-unavailable", "10.200.0.201: another answers for it", ""}};
        round.hosts.emplace("node-0", std::move(findings));
        RoundResult& main = cluster.snapshot.rounds.emplace_back();
        main.stage = RoundStage::main;
        main.probes.emplace_back();
    }
    Verdict ready() const { return verdict_of(cluster.snapshot, "probe-ready", "node-0"); }
};

TEST(ProbeReady, WithoutASecondPodPacketsWithinTheHostAreUnknown) {
    const Verdict alone = Opened({"10.200.0.200"}).ready();
    EXPECT_EQ(alone.status, Status::unknown);
    EXPECT_EQ(alone.causes.at(0).code, "probe-unavailable");
    EXPECT_EQ(alone.causes.at(0).summary, "no packets can be sent between two pods of node-0");
    EXPECT_EQ(alone.causes.at(0).evidence.at(0), "10.200.0.201: another answers for it");
    EXPECT_EQ(Opened({"10.200.0.200", "10.200.0.202"}).ready().status, Status::pass);

    Opened pair({"10.200.0.200"});  // of which none is within the host
    pair.cluster.snapshot.policy.pair = std::pair(Endpoint{"node-0", Vantage::pod, address("10.200.0.200")},
                                                  Endpoint{"node-1", Vantage::pod, address("10.200.1.200")});
    EXPECT_EQ(pair.ready().status, Status::pass);

    Opened small({"10.200.0.2"});
    small.cluster.snapshot.inventory.hosts[1].pod_cidrs = {testing::prefix("10.200.0.0/30")};
    EXPECT_EQ(small.ready().status, Status::pass);
    EXPECT_EQ(small.ready().message, "a synthetic pod was opened; there is room for no second one");
}

TEST(ProbeReady, WhatIsSentBesideTheBridgeIsAWarning) {
    const Verdict made =
        Opened({"10.200.0.200", "10.200.0.202"}, "cnio0 runs the spanning tree protocol").ready();
    EXPECT_EQ(made.status, Status::warn);
    EXPECT_EQ(made.causes.at(0).severity, Severity::warning);
    EXPECT_EQ(made.causes.at(0).evidence.at(0), "cnio0 runs the spanning tree protocol");
}

TEST(PathMtu, WhereThePairIsLostLargePacketsProveNothing) {
    Pair world;  // what node-1 sends to the pods of node-0 is lost
    world.add("node-0", "node-1", Purpose::verdict, 20, 20, 0);
    world.add_full_size("node-0", "node-1", 1, 1, 0);
    world.add("node-1", "node-0", Purpose::verdict, 20, 0, 0);
    world.add_full_size("node-1", "node-0", 1, 0, 0);
    const Verdict there = world.mtu("node-0"), back = world.mtu("node-1");
    EXPECT_EQ(there.status, Status::skip);
    EXPECT_EQ(there.blocked_by, "pod-icmp");
    EXPECT_EQ(there.message, "small packets are lost already; 1 of 1 packets of 1500 bytes arrived");
    EXPECT_EQ(back.status, Status::skip);
    EXPECT_EQ(back.blocked_by, "pod-icmp");
    EXPECT_EQ(back.message, "small packets are lost already");
}

// The answer is as large, but may be sent in fragments: the pair the other way tells of it.
TEST(PathMtu, ArrivalIsWhatCounts) {
    Pair world;
    world.add("node-0", "node-1", Purpose::verdict, 3, 3, 3);
    world.add_full_size("node-0", "node-1", 1, 1, 0);
    EXPECT_EQ(world.mtu().status, Status::pass);
    EXPECT_EQ(world.mtu().message, "1500 bytes pass");
}

TEST(PathMtu, OneLostPacketIsNoVerdict) {
    Pair world;
    world.add("node-0", "node-1", Purpose::verdict, 3, 3, 3);
    world.add_full_size("node-0", "node-1", 1, 0, 0);
    EXPECT_EQ(world.mtu().status, Status::unknown);
    EXPECT_NE(world.mtu().message.find("too few were sent"), std::string::npos) << world.mtu().message;
    // Nor are three, as long as no other size was tried.
    world.add_full_size("node-0", "node-1", 2, 0, 0);
    EXPECT_EQ(world.mtu().status, Status::unknown);
    world.add("node-0", "node-1", Purpose::full_size, 2, 2, 2, 1400);
    EXPECT_EQ(world.mtu().status, Status::fail);
    EXPECT_EQ(world.mtu().message, "1500 bytes are lost, 1400 bytes pass");
}

TEST(PathMtu, SomeLostIsALossInPart) {
    Pair world;
    world.add("node-0", "node-1", Purpose::verdict, 20, 20, 20);
    world.add_full_size("node-0", "node-1", 1, 0, 0);
    world.add_full_size("node-0", "node-1", 19, 19, 19);
    EXPECT_EQ(world.mtu().status, Status::warn);
    EXPECT_EQ(world.mtu().message,
              "19 of 20 packets of 1500 bytes arrived; 1 of 20 lost: 0.1 to 24.9 % (95 % confidence)");
    world.add_full_size("node-0", "node-1", 1, 0, 0);
    EXPECT_EQ(world.mtu().status, Status::fail);
}

// A pair of a ring has no pair the other way; its answers came that way.
TEST(PathMtu, TheWayBackOfARingsPairIsKnownByItsAnswers) {
    Pair world;
    world.add("node-0", "node-1", Purpose::verdict, 20, 20, 0);
    world.add_full_size("node-0", "node-1", 1, 1, 0);
    world.add_full_size("node-1", "node-0", 1, 0, 0);
    EXPECT_EQ(world.mtu("node-1").status, Status::skip);
}

TEST(PodIcmp, ALossInPartIsToldWithItsInterval) {
    Pair world;
    world.add("node-0", "node-1", Purpose::verdict, 20, 15, 15);
    const Verdict verdict = verdict_of(world.cluster.snapshot, "pod-icmp", "node-0");
    EXPECT_EQ(verdict.status, Status::fail);
    EXPECT_EQ(verdict.message,
              "15 of 20 arrived, 15 answered; 5 of 20 lost: 8.7 to 49.1 % (95 % confidence)");
}

}  // namespace
}  // namespace podroute
