// Ends of pairs: pods that are refused, hosts that are lost, and which pairs there are.
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "probes/detail_round.h"
#include "tests/unit/probes_trial.h"

namespace podroute {
namespace {

using namespace testing;

TEST(PacketProber, ARefusedAddressIsReplaced) {
    Trial run;
    // What the first attempt would pick.
    const auto plan = PacketProber().next(run.cluster.snapshot).value();
    const auto first = plan.tasks.at("node-0").pods.at(0).addresses.at(0);
    run.world.taken = {first};
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::pods, RoundStage::main}));
    EXPECT_EQ(run.world.plans[1].tasks.size(), 1U);  // only who refused is asked again
    for (const auto& pod : run.world.plans[1].tasks.at("node-0").pods)
        for (const auto& a : pod.addresses) EXPECT_NE(a, first);
    for (const auto* r : results(snapshot, Purpose::verdict)) EXPECT_EQ(r->answered, 3U) << name(*r);
}

TEST(PacketProber, AHostThatOpensNoPodMakesItsPairsUnknownAndSaysWhy) {
    Trial run;
    run.world.refuses_pods = {"node-1"};
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot),
              (Stages{RoundStage::pods, RoundStage::main}));  // another address would not help
    for (const auto* r : results(snapshot, Purpose::verdict)) {
        const bool concerns = r->source.host == "node-1" || r->destination.host == "node-1";
        EXPECT_EQ(r->unknown.empty(), !concerns) << name(*r);
        if (concerns) {
            EXPECT_EQ(r->unknown, "node-1: no synthetic pod could be opened: no veth");
            EXPECT_EQ(r->sent, 0U);
        }
    }
    EXPECT_EQ(snapshot.rounds[0].hosts.at("node-1")->pods_refused.at(0).text, "no veth");
}

TEST(PacketProber, AHostThatStandsStillMakesItsPairsUnknownAndSaysWhy) {
    Trial run;
    run.world.stands_still = {"node-1"};
    EXPECT_EQ(results(run.observe(), Purpose::verdict, "pod node-0 > pod node-1 icmp").front()->unknown,
              "node-1: no synthetic pod could be opened: the host did not answer in 10 s");
}

TEST(PacketProber, AddressesAreTriedAgainUntilAPodHasOne) {
    Trial run;
    const auto network = prefix("10.200.1.0/24");
    for (Address a = network.first(); network.contains(a); a = a.offset(1)) run.world.taken.insert(a);
    const auto& snapshot = run.observe();
    Stages wanted(kMaxPodAttempts, RoundStage::pods);
    wanted.push_back(RoundStage::main);
    EXPECT_EQ(stages(snapshot), wanted);
    EXPECT_EQ(run.world.plans[kPodAttemptsForTwo - 1].tasks.at("node-1").pods.size(), 2U);
    EXPECT_EQ(run.world.plans[kPodAttemptsForTwo].tasks.at("node-1").pods.size(), 1U);  // at least one
    EXPECT_EQ(results(snapshot, Purpose::verdict, "pod node-0 > pod node-1 icmp").front()->unknown,
              "node-1: no synthetic pod could be opened: it answers");
}

TEST(PacketProber, WhatACaptureCouldNotKeepIsUnknownNotLost) {
    Trial run;
    run.world.overflows = {"node-1"};
    run.world.faults = {request_dies_in_node_0};
    const auto& snapshot = run.observe();
    EXPECT_EQ(results(snapshot, Purpose::verdict, "pod node-0 > pod node-1 icmp").front()->unknown,
              "node-1 caught more than it could keep");
    EXPECT_EQ(results(snapshot, Purpose::verdict, "node server > pod node-1 icmp").front()->answered, 3U);
}

// A judge takes silence for proof only of who listened on the way.
TEST(PacketProber, SaysWhoListenedAndWhoCouldNotKeepAll) {
    Trial run({.nodes = 3});
    run.world.overflows = {"node-2"};
    run.world.faults = {request_dies_in_node_0};
    const auto& snapshot = run.observe();
    ASSERT_EQ(snapshot.rounds.size(), 3U);
    const Listened in_main = *snapshot.rounds[1].hosts.at("node-1")->listened;
    EXPECT_EQ(in_main, (Listened{{}, 0})) << "only what is for its own pod";
    const auto& detail = snapshot.rounds[2].hosts;
    EXPECT_EQ(*detail.at("node-1")->listened, (Listened{{std::string(kPodLink), "eth0", "cnio0"}, 0}));
    EXPECT_EQ(*detail.at("server")->listened, (Listened{{"eth0"}, 0}));
    EXPECT_EQ(detail.at("node-2")->listened->dropped, 1U);
}

TEST(PacketProber, WhatTheKernelWouldNotTakeIsNeitherSentNorLost) {
    Trial run;
    run.world.refuses_to_send = {{"server", 1}};
    const auto& snapshot = run.observe();
    const auto* refused = results(snapshot, Purpose::verdict, "node server > pod node-0 icmp").front();
    EXPECT_EQ(refused->sent, 0U);
    EXPECT_EQ(refused->not_sent, (std::vector<NotSent>{{1, 3}}));
    const auto* back = results(snapshot, Purpose::verdict, "pod node-0 > node server icmp").front();
    EXPECT_EQ(back->sent, 3U);
    EXPECT_TRUE(back->not_sent.empty());
}

TEST(PacketProber, WhatAHostWouldNotSendIsCountedOutOfTwenty) {
    Trial run;
    run.world.refuses_to_send = {{"server", EPERM}};
    run.world.refuses_only = {{"server", 1}};
    std::uint32_t tried = 0, refused = 0;
    for (const auto* r : results(run.observe(), Purpose::verdict, "node server > pod node-0 icmp")) {
        tried += r->sent;
        for (const NotSent& some : r->not_sent) refused += some.count;
    }
    EXPECT_EQ(tried + refused, kLossSample);
    EXPECT_GE(refused, 1U);
}

TEST(PacketProber, WithoutPrivilegeNothingIsAskedOfAHost) {
    Trial run;
    run.cluster.facts("node-1").uid = 1000;
    const auto& snapshot = run.observe();
    EXPECT_FALSE(run.world.plans[0].tasks.contains("node-1"));
    EXPECT_EQ(snapshot.rounds[0].hosts.at("node-1")->pods_refused.at(0).code, "no-privilege");
    const auto* r = results(snapshot, Purpose::verdict, "pod node-0 > pod node-1 icmp").front();
    EXPECT_NE(r->unknown.find("root"), std::string::npos);
}

TEST(PacketProber, AHostThatWasNotReachedMakesItsPairsUnknown) {
    Trial run({.nodes = 3});
    run.cluster.lose("node-2");
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    for (const auto* r : results(snapshot, Purpose::verdict)) {
        const bool concerns = r->source.host == "node-2" || r->destination.host == "node-2";
        EXPECT_EQ(!r->unknown.empty(), concerns) << name(*r);
    }
}

TEST(PacketProber, AHostThatDiesInTheRoundMakesItsPairsUnknownNotLost) {
    Trial run({.nodes = 3});
    run.world.dead_in_probes = {"node-2"};
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    for (const auto* r : results(snapshot, Purpose::verdict)) {
        const bool concerns = r->source.host == "node-2" || r->destination.host == "node-2";
        EXPECT_EQ(r->unknown, concerns ? "node-2: the agent is gone" : "") << name(*r);
        EXPECT_EQ(r->answered, concerns ? 0U : 3U);
    }
}

TEST(PacketProber, OnlyOneHostsPairs) {
    Trial run({.nodes = 4});
    run.cluster.snapshot.policy.only = {"node-3"};
    for (const auto* r : results(run.observe(), Purpose::verdict))
        EXPECT_TRUE(r->source.host == "node-3" || r->destination.host == "node-3") << name(*r);
}

TEST(PacketProber, OnePairAlone) {
    Trial run({.nodes = 4});
    run.cluster.snapshot.policy.pair = std::pair(Endpoint{"node-1", Vantage::pod, address("10.200.1.2")},
                                                 Endpoint{"node-3", Vantage::node, address("10.240.0.23")});
    const auto found = results(run.observe(), Purpose::verdict);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(name(*found[0]), "pod node-1 > node node-3 icmp");
    EXPECT_EQ(name(*found[2]), "node node-3 > pod node-1 icmp");
}

TEST(PacketProber, APairOfAddressesIsProbedByThem) {
    for (const bool taken : {false, true}) {
        Trial run;
        Policy& policy = run.cluster.snapshot.policy;
        policy.pair = std::pair(Endpoint{"node-0", Vantage::pod, address("10.200.0.2")},
                                Endpoint{"node-1", Vantage::pod, address("10.200.1.7")});
        policy.pair_addresses = {address("10.200.1.7")};
        if (taken) run.world.taken = {address("10.200.1.7")};
        const auto* r = results(run.observe(), Purpose::verdict, "pod node-0 > pod node-1 icmp").front();
        EXPECT_EQ(r->answered, 3U) << r->unknown;
        EXPECT_EQ(r->destination.address == address("10.200.1.7"), !taken);
    }
}

TEST(PacketProber, ThePortOfAnSshSessionIsTheControlHostsTcpPort) {
    Trial run;
    run.cluster.facts("server").ssh_connection = "10.240.0.5 51000 10.240.0.10 2222";
    run.observe();
    std::set<std::uint16_t> ports;
    for (const auto& flow : run.world.plans.back().script.flows)
        if (flow.protocol == Protocol::tcp && flow.destination.vantage == Vantage::node)
            ports.insert(flow.port);
    EXPECT_EQ(ports, std::set<std::uint16_t>{2222});
}

}  // namespace
}  // namespace podroute
