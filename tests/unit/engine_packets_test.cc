// Loss intervals, where a packet was lost, and what a person calls an end of a pair.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "engine/endpoint_names.h"
#include "engine/loss.h"
#include "engine/places.h"
#include "engine/probe_reports.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;

// Values as R's binom.test() gives them.
TEST(LossInterval, IsThatOfClopperAndPearson) {
    EXPECT_NEAR(loss_interval(1, 20).lower, 0.00127, 0.00001);
    EXPECT_NEAR(loss_interval(1, 20).upper, 0.24873, 0.00001);
    EXPECT_NEAR(loss_interval(2, 20).lower, 0.01235, 0.00001);
    EXPECT_NEAR(loss_interval(8, 20).lower, 0.19119, 0.00001);
    EXPECT_NEAR(loss_interval(8, 20).upper, 0.63946, 0.00001);
}

TEST(LossInterval, HasOpenEnds) {
    EXPECT_EQ(loss_interval(0, 3).lower, 0);
    EXPECT_NEAR(loss_interval(0, 3).upper, 0.70760, 0.00001);
    EXPECT_NEAR(loss_interval(20, 20).lower, 0.83157, 0.00001);
    EXPECT_EQ(loss_interval(20, 20).upper, 1);
    EXPECT_EQ(loss_interval(5, 3).lower, loss_interval(3, 3).lower);
    EXPECT_EQ(loss_interval(0, 0).lower, 0);
    EXPECT_EQ(loss_interval(0, 0).upper, 1);
}

TEST(LossInterval, IsToldInPercent) {
    EXPECT_EQ(loss_interval_text(5, 20), "5 of 20 lost: 8.7 to 49.1 % (95 % confidence)");
    EXPECT_EQ(loss_interval_text(1, 20), "1 of 20 lost: 0.1 to 24.9 % (95 % confidence)");
    EXPECT_EQ(loss_interval_text(20, 20), "20 of 20 lost: 83.2 to 100.0 % (95 % confidence)");
}

// A pod's request that the server's uplink saw, and nothing of an answer.
struct Unanswered {
    Cluster cluster{2};

    Unanswered(Vantage target, const std::string& address_of_target) {
        ProbeResult result;
        result.source = {"node-0", Vantage::pod, address("10.200.0.200")};
        result.destination = {target == Vantage::node ? "server" : "node-1", target,
                              address(address_of_target)};
        result.sent = result.arrived = 20;
        result.sightings = {{"node-0", std::string(kPodLink), ProbeLeg::request, true, 20},
                            {"node-0", "eth0", ProbeLeg::request, true, 20},
                            {result.destination.host, "eth0", ProbeLeg::request, false, 20}};
        RoundResult round;
        round.stage = RoundStage::detail;
        round.probes.push_back(result);
        cluster.snapshot.rounds.push_back(round);
    }
};

// What is for a node's own address has arrived when its uplink saw it; its INPUT chain comes behind that.
TEST(Places, WhatANodeNeverAnswersIsLostInside) {
    const Unanswered world(Vantage::node, "10.240.0.10");
    const ProbeFacts facts = fold_probes(world.cluster.snapshot);
    Places places(world.cluster.snapshot);
    ASSERT_EQ(facts.verdicts.size(), 1U);
    const Place place = places.place(facts.verdicts[0]);
    EXPECT_EQ(place.kind, PlaceKind::inside);
    EXPECT_EQ(place.host, "server");
    EXPECT_EQ(places.stopped_at(facts.verdicts[0], facts), (StoppedAt{"server", "eth0", ProbeLeg::request}));
}

TEST(Places, OfAPodNothingIsKnownWithoutItsAnswer) {
    const Unanswered world(Vantage::pod, "10.200.1.200");
    const ProbeFacts facts = fold_probes(world.cluster.snapshot);
    Places places(world.cluster.snapshot);
    ASSERT_EQ(facts.verdicts.size(), 1U);
    EXPECT_EQ(places.place(facts.verdicts[0]).kind, PlaceKind::nowhere);
}

// Packets from a pod of node-0 to one of node-1, as one round saw them; every host listened unless told
// otherwise.
class PodToPod {
  public:
    Cluster cluster{2};

    // How many were seen leaving the pod, leaving node-0, entering node-1 and entering the other pod.
    ProbeResult& add(RoundStage stage, const std::array<std::uint32_t, 4>& counts, bool watched = true) {
        RoundResult& round = cluster.snapshot.rounds.emplace_back();
        round.stage = stage;
        for (const char* host : {"node-0", "node-1", "server"}) {
            HostFindings findings;
            findings.listened.emplace();
            if (watched) findings.listened->interfaces = {"eth0", "cnio0"};
            round.hosts.emplace(host, std::move(findings));
        }
        ProbeResult& result = round.probes.emplace_back();
        result.source = {"node-0", Vantage::pod, address("10.200.0.200")};
        result.destination = {"node-1", Vantage::pod, address("10.200.1.200")};
        result.sent = counts[0];
        result.arrived = result.answered = counts[3];
        const std::string pod(kPodLink);
        result.sightings = {{"node-0", pod, ProbeLeg::request, true, counts[0]},
                            {"node-0", "eth0", ProbeLeg::request, true, counts[1]},
                            {"node-1", "eth0", ProbeLeg::request, false, counts[2]},
                            {"node-1", pod, ProbeLeg::request, false, counts[3]}};
        if (!watched) std::erase_if(result.sightings, [&](const Sighting& s) { return s.interface != pod; });
        return result;
    }
    Listened& listened(const HostId& host) {
        return *cluster.snapshot.rounds.back().hosts.at(host)->listened;
    }
    Place place() const {
        const ProbeFacts facts = fold_probes(cluster.snapshot);
        return Places(cluster.snapshot).place(facts.verdicts.at(0));
    }
    std::optional<StoppedAt> stopped_at() const {
        const ProbeFacts facts = fold_probes(cluster.snapshot);
        return Places(cluster.snapshot).stopped_at(facts.verdicts.at(0), facts);
    }
};

TEST(Places, APartIsPlacedByTheRoundThatLostIt) {
    PodToPod world;
    world.add(RoundStage::main, {3, 3, 3, 3});
    world.add(RoundStage::detail, {17, 17, 16, 16});
    EXPECT_EQ(world.place().kind, PlaceKind::between);
    EXPECT_EQ(world.place().host, "node-0");
}

// Of a host that dies, or that is asked too much, when packets of it were lost already.
TEST(ProbeFacts, WhatOneRoundShowedNoLaterOneMakesUnknown) {
    PodToPod world;
    world.add(RoundStage::main, {3, 3, 3, 0});
    world.add(RoundStage::detail, {0, 0, 0, 0}).unknown = "node-0: the connection was closed";
    const ProbeFacts facts = fold_probes(world.cluster.snapshot);
    EXPECT_EQ(facts.verdicts.at(0).fate(), ProbeFate::request_lost);
    EXPECT_EQ(facts.verdicts.at(0).sent, 3U);
    PodToPod part;  // more packets were to tell how much is lost
    part.add(RoundStage::main, {3, 3, 3, 2});
    part.add(RoundStage::detail, {0, 0, 0, 0}).unknown = "node-0: the connection was closed";
    EXPECT_EQ(fold_probes(part.cluster.snapshot).verdicts.at(0).fate(), ProbeFate::unknown);
    PodToPod other;
    other.add(RoundStage::main, {0, 0, 0, 0}).unknown = "node-0: the connection was closed";
    EXPECT_EQ(fold_probes(other.cluster.snapshot).verdicts.at(0).fate(), ProbeFate::unknown);
}

TEST(Places, APartThatNoListeningRoundLostIsNowhere) {
    PodToPod world;
    world.add(RoundStage::main, {3, 3, 3, 2}, false);
    world.add(RoundStage::detail, {17, 17, 17, 17});
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
    EXPECT_EQ(world.stopped_at(), std::nullopt);
}

// A host that listened in one round says nothing of what came to it in another.
TEST(Places, AnAnswerIsMissedOnlyByWhoListenedWhenItWasDue) {
    PodToPod world;
    for (const RoundStage stage : {RoundStage::main, RoundStage::detail}) {
        ProbeResult& result = world.add(stage, {3, 3, 3, 3}, false);
        result.destination = {"server", Vantage::node, address("10.240.0.10")};
        result.arrived = stage == RoundStage::main ? 3 : 0;
        result.answered = 0;
        result.sightings = {{"server", "eth0", ProbeLeg::request, false, result.arrived}};
        world.listened("server").interfaces = {"eth0"};
    }
    world.cluster.snapshot.rounds[0].probes[0].sent = 3;
    world.cluster.snapshot.rounds[1].probes[0].sent = 0;
    EXPECT_EQ(world.place().host, "server");
    world.cluster.snapshot.rounds[0].hosts.at("server")->listened->interfaces.clear();
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
    EXPECT_EQ(world.place().maybe, (std::vector<HostId>{"server", "node-0"}));
}

TEST(Places, AreWhereMostPacketsEndedOfAllRounds) {
    PodToPod world;
    world.add(RoundStage::main, {3, 3, 0, 0});
    world.add(RoundStage::detail, {17, 4, 4, 0});
    EXPECT_EQ(world.place().kind, PlaceKind::inside);
    EXPECT_EQ(world.place().host, "node-0");
    const ProbeFacts facts = fold_probes(world.cluster.snapshot);
    std::vector<std::pair<HostId, std::uint32_t>> losses;
    for (const LossAt& loss : Places(world.cluster.snapshot).losses(facts.verdicts.at(0), ProbeLeg::request))
        losses.emplace_back(loss.place.interface + " " + loss.place.host, loss.packets);
    EXPECT_EQ(losses, (std::vector<std::pair<HostId, std::uint32_t>>{
                          {"eth0 node-0", 3}, {"pod link node-0", 13}, {"eth0 node-1", 4}}));
}

TEST(Places, EachHostLosesOfWhatComesToIt) {
    PodToPod world;
    world.add(RoundStage::main, {3, 3, 3, 1}, false);
    world.add(RoundStage::detail, {17, 10, 10, 3});
    const ProbeFacts facts = fold_probes(world.cluster.snapshot);
    Places places(world.cluster.snapshot);
    const auto passage = [&](const HostId& host) {
        const Passage one = places.passage(facts.verdicts.at(0), host);
        return std::pair(one.came, one.left);
    };
    // Nobody can place two of the main round: either may have lost them.
    EXPECT_EQ(passage("node-0"), std::pair(20U, 11U));
    EXPECT_EQ(passage("node-1"), std::pair(13U, 4U));
}

// One with a hop limit of 2 ends where the second host takes it, one of 4 would come to the pod.
TEST(Places, APacketThatIsMeantToDieIsNotLostWhereItDoes) {
    PodToPod world;
    world.add(RoundStage::main, {3, 0, 0, 0}, false);
    world.add(RoundStage::detail, {1, 1, 1, 0});
    world.cluster.snapshot.rounds.back().probes.push_back(world.cluster.snapshot.rounds.back().probes[0]);
    for (ProbeResult& result : world.cluster.snapshot.rounds.back().probes) {
        result.purpose = Purpose::hop_limit;
        result.hop_limit = 2;
    }
    ProbeResult& farthest = world.cluster.snapshot.rounds.back().probes.back();
    farthest.hop_limit = 4;
    farthest.sightings.resize(1);
    EXPECT_EQ(world.place().kind, PlaceKind::inside);
    EXPECT_EQ(world.place().host, "node-0");
    farthest.arrived = 1;
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
}

TEST(Places, OnlyATargetThatListenedTellsThatNothingEntered) {
    PodToPod world;
    world.add(RoundStage::detail, {20, 20, 0, 0});
    EXPECT_EQ(world.place().kind, PlaceKind::between);
    world.listened("node-1").dropped = 1;
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
    EXPECT_EQ(world.place().deaf, std::vector<HostId>{"node-1"});
    world.listened("node-1") = {{std::string(kPodLink)}, 0};
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
    EXPECT_EQ(world.stopped_at(), std::nullopt);
}

TEST(Places, WhereAThirdHostDidNotListenItMayHaveEnteredThere) {
    PodToPod world;
    world.add(RoundStage::detail, {20, 20, 0, 0});
    EXPECT_EQ(world.place().deaf, std::vector<HostId>{});
    world.listened("server").interfaces.clear();
    EXPECT_EQ(world.place().kind, PlaceKind::between);
    EXPECT_EQ(world.place().deaf, std::vector<HostId>{"server"});
    // In another round it did.
    world.add(RoundStage::detail, {20, 20, 0, 0});
    EXPECT_EQ(world.place().deaf, std::vector<HostId>{});
}

TEST(Places, APartKeepsWhoWouldTell) {
    PodToPod world;
    world.add(RoundStage::detail, {20, 20, 10, 10});
    world.listened("node-1").dropped = 1;
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
    EXPECT_EQ(world.place().deaf, std::vector<HostId>{"node-1"});
}

TEST(Places, WhatAHostWouldNotSendStopsThere) {
    PodToPod world;
    ProbeResult& result = world.add(RoundStage::detail, {15, 15, 15, 15});
    result.source = {"server", Vantage::node, address("10.240.0.10")};
    result.not_sent = {{EPERM, 5}};
    const ProbeFacts facts = fold_probes(world.cluster.snapshot);
    EXPECT_EQ(facts.verdicts.at(0).fate(), ProbeFate::partly_lost);
    EXPECT_EQ(facts.verdicts.at(0).lost(), 5U);
    EXPECT_EQ(world.stopped_at(), (StoppedAt{"server", "", ProbeLeg::request}));
}

TEST(Places, OnlyASenderThatListenedTellsThatNothingLeft) {
    PodToPod world;
    world.add(RoundStage::detail, {20, 0, 0, 0});
    EXPECT_EQ(world.stopped_at(), (StoppedAt{"node-0", std::string(kPodLink), ProbeLeg::request}));
    world.cluster.snapshot.rounds.back().hosts["node-0"] = Unknown{"the agent is gone", "", ""};
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
}

TEST(Places, OfASnapshotThatDoesNotSayWhoListenedThePolicyDoes) {
    PodToPod world;
    world.add(RoundStage::detail, {20, 20, 0, 0});
    world.cluster.snapshot.rounds.back().hosts.clear();
    EXPECT_EQ(world.place().kind, PlaceKind::between);
    world.cluster.snapshot.policy.trace = Trace::none;
    EXPECT_EQ(world.place().kind, PlaceKind::nowhere);
}

TEST(Places, ALargePacketStopsWhereTheSmallOnesOfItsPairDo) {
    PodToPod world;
    world.add(RoundStage::main, {1, 0, 0, 0}, false).purpose = Purpose::full_size;
    world.add(RoundStage::detail, {20, 20, 20, 0});
    const ProbeFacts facts = fold_probes(world.cluster.snapshot);
    Places places(world.cluster.snapshot);
    EXPECT_EQ(places.stopped_at(facts.full_size.at(0), facts),
              (StoppedAt{"node-1", "eth0", ProbeLeg::request}));
    world.cluster.snapshot.rounds.pop_back();
    const ProbeFacts alone = fold_probes(world.cluster.snapshot);
    EXPECT_EQ(places.stopped_at(alone.full_size.at(0), alone), std::nullopt);
}

// A pair whose 3 packets and whose packets of small hop limits were seen on their way through a router.
struct Traced {
    Cluster cluster{2};
    std::vector<PathReport> paths;

    Traced() {
        ProbeResult result;
        result.source = {"node-0", Vantage::pod, address("10.200.0.200")};
        result.destination = {"node-1", Vantage::pod, address("10.200.1.200")};
        const auto seen = [&](std::uint32_t count, std::size_t places) {
            result.sightings = {{"node-0", std::string(kPodLink), ProbeLeg::request, true, count},
                                {"node-0", "eth0", ProbeLeg::request, true, count},
                                {"node-1", "eth0", ProbeLeg::request, false, count},
                                {"node-1", std::string(kPodLink), ProbeLeg::request, false, count}};
            result.sightings.resize(places);
        };
        RoundResult round;
        round.stage = RoundStage::main;
        result.sent = result.arrived = result.answered = 3;
        seen(3, 4);
        round.probes.push_back(result);
        result.purpose = Purpose::hop_limit;
        result.sent = 1;
        result.arrived = result.answered = 0;
        for (const auto& [hop, from, places] :
             {std::tuple(1, "10.240.0.20", 1), std::tuple(2, "10.240.0.1", 2),
              std::tuple(3, "10.240.0.21", 3)}) {
            result.hop_limit = static_cast<std::uint8_t>(hop);
            result.objections = {{address(from), 11, 0, false, 0, 64, 1}};
            seen(1, static_cast<std::size_t>(places));
            round.probes.push_back(result);
        }
        cluster.snapshot.policy.trace = Trace::all;
        cluster.snapshot.rounds.push_back(round);
        Places places(cluster.snapshot);
        paths = packet_paths(cluster.snapshot, fold_probes(cluster.snapshot), places, {});
    }
};

// As `stopped_at` says it: the node's INPUT chain comes behind its uplink, where the packet counts as
// arrived.
TEST(PacketPaths, WhatANodeNeverAnswersEndsThere) {
    const Unanswered world(Vantage::node, "10.240.0.10");
    Places places(world.cluster.snapshot);
    const auto paths = packet_paths(world.cluster.snapshot, fold_probes(world.cluster.snapshot), places, {});
    ASSERT_EQ(paths.size(), 1U);
    EXPECT_EQ(paths[0].leg, "request");
    EXPECT_EQ(paths[0].status, "fail");
    EXPECT_EQ(paths[0].hops, (std::vector<std::string>{"node-0", "server"}));
    EXPECT_NE(paths[0].reason, "");
}

// What is meant to die on its way is no loss.
TEST(PacketPaths, CountWhatShouldPass) {
    const Traced traced;
    ASSERT_EQ(traced.paths.size(), 1U);
    EXPECT_EQ(traced.paths[0].status, "pass");
    EXPECT_EQ(traced.paths[0].hops, (std::vector<std::string>{"node-0", "node-1"}));
    EXPECT_EQ(traced.paths[0].protocol, Protocol::icmp);
    EXPECT_EQ(traced.paths[0].steps, (std::vector<PathStep>{{"node-0", std::string(kPodLink), true, 3, 1},
                                                            {"node-0", "eth0", true, 3, 0},
                                                            {"10.240.0.1", "", false, 0, 2},
                                                            {"node-1", "eth0", false, 3, 3},
                                                            {"node-1", std::string(kPodLink), false, 3, 0}}));
}

// Nobody need answer what is sent by a next hop: among what pairs were sent it would look lost.
TEST(ProbeReports, ANextHopIsListedAndNotCounted) {
    Cluster cluster{2};
    ProbeResult leg;
    leg.source = {"node-0", Vantage::pod, address("10.200.0.200")};
    leg.destination = {"node-1", Vantage::pod, address("10.200.1.77")};
    leg.purpose = Purpose::next_hop;
    leg.next_hop = address("10.240.0.21");
    leg.sent = 3;
    leg.sightings = {{"node-1", "eth0", ProbeLeg::request, false, 3}};
    cluster.snapshot.rounds.emplace_back().probes.push_back(leg);
    const ProbeFacts facts = fold_probes(cluster.snapshot);
    Places places(cluster.snapshot);
    const auto reports = probe_reports(facts, places);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].next_hop, leg.next_hop);
    EXPECT_EQ(reports[0].arrived, 3U);
    EXPECT_EQ(count_probes(reports).sent, 0U);
}

TEST(ResolvePair, TakesNamesAndAddresses) {
    const Cluster cluster({.nodes = 2, .ipv6 = true});
    const Inventory& inventory = cluster.snapshot.inventory;
    const auto names = resolve_pair(inventory, "node-0", "node-1.kubernetes.local");
    ASSERT_TRUE(names);
    EXPECT_EQ(names->first, (Endpoint{"node-0", Vantage::pod, address("10.200.0.2")}));
    EXPECT_EQ(names->second, (Endpoint{"node-1", Vantage::pod, address("10.200.1.2")}));
    const auto control = resolve_pair(inventory, "server", "10.200.1.7");
    ASSERT_TRUE(control);
    EXPECT_EQ(control->first, (Endpoint{"server", Vantage::node, address("10.240.0.10")}));
    EXPECT_EQ(control->second, (Endpoint{"node-1", Vantage::pod, address("10.200.1.7")}));
    // One IPv6 address makes the other end's IPv6 too.
    const auto ipv6 = resolve_pair(inventory, "node-0", "fd00:10:200:1::7");
    ASSERT_TRUE(ipv6);
    EXPECT_EQ(ipv6->first.address.family(), Family::v6);
}

TEST(ResolvePair, SaysWhatIsWrong) {
    const Cluster cluster(2);
    const Inventory& inventory = cluster.snapshot.inventory;
    const auto unknown = resolve_pair(inventory, "node-7", "node-1");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().text.find("server, node-0, node-1"), std::string::npos) << unknown.error().text;
    EXPECT_FALSE(resolve_pair(inventory, "node-0", "192.0.2.1"));
    EXPECT_FALSE(resolve_pair(inventory, "10.240.0.20", "10.240.0.21"));
    EXPECT_FALSE(resolve_pair(inventory, "node-0", "fd00::1"));
    EXPECT_FALSE(resolve_pair(inventory, "", "node-1"));
}

}  // namespace
}  // namespace podroute
