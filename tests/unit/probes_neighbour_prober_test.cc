// What is asked after the facts, and what the answers mean.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "model/asked_neighbours.h"
#include "probes/arp.h"
#include "probes/neighbour_prober.h"
#include "tests/unit/probes_frames.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::advertisement;
using testing::arp_reply;
using testing::Bytes;
using testing::Cluster;
using testing::kEth0;

constexpr std::uint16_t kReachable = 2, kStale = 4, kDelay = 8, kProbe = 16, kFailed = 32, kNoArp = 64,
                        kPermanent = 128;
constexpr auto kStranger = "02:00:00:00:00:99";

std::string mac_of(const Cluster& cluster, const HostId& host) {
    return (*cluster.snapshot.hosts.at(host)->links)[1].mac;
}

// The kernel's answers to every pod network, as the tables have them.
void answer_from_routes(Cluster& cluster) {
    for (const auto& host : cluster.snapshot.inventory.hosts) {
        auto& facts = cluster.facts(host.name);
        for (const Route& route : *facts.routes) {
            if (route.destination.is_default() || route.next_hops.empty()) continue;
            if (!route.next_hops.front().gateway) continue;
            FibAnswer answer;
            answer.query.destination = route.destination.first_usable();
            answer.type = route.type;
            answer.next_hops = route.next_hops;
            facts.fib->push_back(answer);
            answer.query.destination = route.destination.last_usable();
            facts.fib->push_back(answer);
        }
    }
}

Cluster answered(const testing::ClusterOptions& options = {}) {
    Cluster cluster(options);
    answer_from_routes(cluster);
    return cluster;
}

void learn(Cluster& cluster, const HostId& host, const std::string& gateway, const std::string& mac,
           std::uint16_t state) {
    cluster.facts(host).neighbours->push_back({address(gateway), kEth0, mac, state});
}

// Every host has every gateway in its table, with its owner's MAC.
void learn_all(Cluster& cluster, std::uint16_t state) {
    for (const auto& host : cluster.snapshot.inventory.hosts)
        for (const auto& peer : cluster.snapshot.inventory.hosts)
            if (peer.name != host.name)
                for (const auto& a : peer.addresses)
                    cluster.facts(host.name).neighbours->push_back(
                        {a, kEth0, mac_of(cluster, peer.name), state});
}

HostTask task(const std::optional<RoundPlan>& plan, const HostId& host) {
    if (!plan) return {};
    const auto at = plan->tasks.find(host);
    return at == plan->tasks.end() ? HostTask{} : at->second;
}

Frame frame(const Bytes& bytes, std::uint32_t ifindex = kEth0) {
    return {ifindex, 1, bytes};
}

// Pods reach a control host by its node address; an entry for it that is wrong must not go unasked.
TEST(NeighbourProber, AControlHostOnTheLinkIsANextHopOfPods) {
    auto cluster = answered({.nodes = 2});
    const Address server = cluster.snapshot.inventory.hosts[0].addresses.front();
    FibAnswer direct;
    direct.query.destination = server;
    direct.type = RouteType::unicast;
    direct.next_hops = {{std::nullopt, kEth0, 0, 1}};
    cluster.facts("node-0").fib->push_back(direct);
    learn(cluster, "node-0", server.to_string(), kStranger, kPermanent);
    const auto frames = task(NeighbourProber().next(cluster.snapshot), "node-0").frames;
    EXPECT_TRUE(std::any_of(frames.begin(), frames.end(),
                            [&](const Frame& f) { return read_question(f.bytes) == server; }));
}

TEST(NeighbourProber, AFirstHealthyRunSolicitsEveryGatewayOnce) {
    const auto cluster = answered({.nodes = 3, .ipv6 = true});
    const auto plan = NeighbourProber().next(cluster.snapshot);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->tasks.size(), 4U);
    EXPECT_EQ(task(plan, "server").solicitations.size(), 6U);
    EXPECT_EQ(task(plan, "node-0").solicitations.size(), 4U);
    for (const auto& [host, t] : plan->tasks) EXPECT_TRUE(t.frames.empty() && t.captures.empty()) << host;
}

TEST(NeighbourProber, AHealthyRunSoonAfterAsksNothing) {
    for (const auto state : {kReachable, kPermanent, kNoArp}) {
        auto cluster = answered({.nodes = 3, .ipv6 = true});
        learn_all(cluster, state);
        EXPECT_FALSE(NeighbourProber().next(cluster.snapshot)) << state;
    }
}

TEST(NeighbourProber, StaleEntriesAreSolicitedAgain) {
    auto cluster = answered();
    learn_all(cluster, kStale);
    const auto asked = task(NeighbourProber().next(cluster.snapshot), "node-0").solicitations;
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked.front(), (SolicitTarget{address("10.240.0.21"), kEth0}));
}

// What the plan asked of node-0, as it came out: the entry of each solicitation in `state`, and whether the
// questions were answered.
RoundResult came_out(const RoundPlan& plan, std::uint16_t state, const std::string& mac, bool answered) {
    Caught caught;
    for (const auto& [host, t] : plan.tasks) {
        HostCatch mine;
        for (const SolicitTarget& s : t.solicitations)
            mine.solicited.push_back({s.address, s.ifindex, mac, state});
        for (const Frame& f : t.frames)
            if (const auto asked = read_question(f.bytes); answered && asked)
                mine.frames.push_back(frame(asked->is_v4() ? arp_reply(mac, *asked, kStranger)
                                                           : advertisement(mac, *asked, kStranger)));
        caught.emplace(host, mine);
    }
    return NeighbourProber().read(plan, caught);
}

// The snapshot after all rounds that are planned, node-0's neighbours being as told.
Snapshot asked_out(Cluster& cluster, std::uint16_t state, const std::string& mac, bool answered) {
    while (const auto plan = NeighbourProber().next(cluster.snapshot)) {
        cluster.snapshot.rounds.push_back(came_out(*plan, state, mac, answered));
        if (cluster.snapshot.rounds.size() > 16) break;
    }
    return cluster.snapshot;
}

TEST(NeighbourProber, AnEntryThatIsNotConfirmedIsAskedAboutAtItsMac) {
    for (const auto state : {kStale, kDelay, kProbe}) {
        auto cluster = answered({.nodes = 2, .ipv6 = true});
        learn_all(cluster, state);
        const auto asked = task(NeighbourProber().next(cluster.snapshot), "node-0");
        ASSERT_EQ(asked.frames.size(), 2U);
        EXPECT_EQ(read_question(asked.frames[0].bytes), address("10.240.0.21"));
        const auto mac = testing::mac_bytes(mac_of(cluster, "node-1"));
        for (const Frame& f : asked.frames) EXPECT_TRUE(std::equal(mac.begin(), mac.end(), f.bytes.begin()));
        EXPECT_EQ(asked.captures.size(), 1U);
    }
}

TEST(NeighbourProber, OneRoundIsEnoughWhereAllAnswer) {
    for (const auto state : {kStale, kDelay, kProbe}) {
        auto cluster = answered({.nodes = 3, .ipv6 = true});
        learn_all(cluster, state);
        EXPECT_EQ(asked_out(cluster, kDelay, "02:00:00:00:02:15", true).rounds.size(), 1U);
    }
    auto fresh = answered();
    EXPECT_EQ(asked_out(fresh, kReachable, "02:00:00:00:02:15", true).rounds.size(), 1U);
    auto silent = answered();  // the kernel has said all that there is to say
    EXPECT_EQ(asked_out(silent, kFailed, "", false).rounds.size(), 1U);
}

// The entry may have been renewed by the neighbour's own question a moment ago.
TEST(NeighbourProber, WhoHoldsTheMacAndDoesNotAnswerIsAskedUntilThatIsNoChance) {
    for (const bool known_before : {true, false}) {
        auto cluster = answered();
        if (known_before) learn_all(cluster, kStale);
        const auto snapshot = asked_out(cluster, kStale, mac_of(cluster, "node-1"), false);
        EXPECT_EQ(snapshot.rounds.size(), known_before ? 3U : 4U);
        const auto asked = asked_neighbours(snapshot, "node-0");
        EXPECT_EQ(asked.at({address("10.240.0.21"), kEth0}).questions, kEnoughQuestions);
        EXPECT_TRUE(asked.at({address("10.240.0.21"), kEth0}).silent());
    }
}

TEST(NeighbourProber, AnAnswerToTheSecondQuestionIsOne) {
    auto cluster = answered();
    learn_all(cluster, kStale);
    const std::string mac = mac_of(cluster, "node-1");
    cluster.snapshot.rounds = {came_out(*NeighbourProber().next(cluster.snapshot), kDelay, mac, false)};
    const auto again = NeighbourProber().next(cluster.snapshot);
    ASSERT_TRUE(again);
    EXPECT_TRUE(task(again, "node-0").solicitations.empty());
    cluster.snapshot.rounds.push_back(came_out(*again, kDelay, mac, true));
    EXPECT_FALSE(NeighbourProber().next(cluster.snapshot));
    EXPECT_FALSE(asked_neighbours(cluster.snapshot, "node-0").begin()->second.silent());
}

TEST(NeighbourProber, WithoutPrivilegeOnlyTheKernelAsks) {
    auto cluster = answered();
    learn_all(cluster, kStale);
    for (const auto& host : cluster.snapshot.inventory.hosts) cluster.facts(host.name).uid = 1000;
    const auto plan = NeighbourProber().next(cluster.snapshot);
    EXPECT_FALSE(task(plan, "node-0").solicitations.empty());
    EXPECT_TRUE(task(plan, "node-0").frames.empty());
}

// A fabric answers for all, by a MAC of its own: it is asked as anybody is, and its answer is one.
TEST(NeighbourProber, AFabricThatAnswersForAllIsAskedOnce) {
    auto cluster = answered();
    for (const auto& host : cluster.snapshot.inventory.hosts)
        for (const auto& peer : cluster.snapshot.inventory.hosts)
            if (peer.name != host.name)
                learn(cluster, host.name, peer.addresses.front().to_string(), kStranger, kStale);
    const auto asked = task(NeighbourProber().next(cluster.snapshot), "node-0");
    ASSERT_EQ(asked.frames.size(), 1U);
    EXPECT_EQ(Bytes(asked.frames[0].bytes.begin(), asked.frames[0].bytes.begin() + 6), Bytes(6, 0xff));
    EXPECT_EQ(asked_out(cluster, kDelay, kStranger, true).rounds.size(), 1U);
}

TEST(NeighbourProber, AHostThatWasLostInARoundIsAskedNoMore) {
    auto cluster = answered();
    learn_all(cluster, kStale);
    const auto plan = NeighbourProber().next(cluster.snapshot);
    cluster.snapshot.rounds = {
        NeighbourProber().read(*plan, {{"node-0", Unknown{"the agent is gone", "agent-failed", ""}}})};
    EXPECT_FALSE(NeighbourProber().next(cluster.snapshot));
}

// Nobody can answer what was not sent, or hear what was lost.
TEST(NeighbourProber, WhatWasNotSentOrNotHeardWasNotAsked) {
    auto cluster = answered();
    learn_all(cluster, kStale);
    const auto plan = NeighbourProber().next(cluster.snapshot).value();
    HostCatch not_sent, not_heard;
    not_sent.unsent = {{0, 105}};
    not_heard.dropped = 1;
    for (const HostCatch& caught : {not_sent, not_heard})
        EXPECT_TRUE(NeighbourProber().read(plan, {{"node-0", caught}}).hosts.at("node-0")->answers.empty());
}

TEST(NeighbourProber, LeavesWhatFollowsToOthers) {
    auto cluster = answered();
    ASSERT_TRUE(NeighbourProber().next(cluster.snapshot));
    cluster.snapshot.rounds.emplace_back().stage = RoundStage::pods;
    EXPECT_FALSE(NeighbourProber().next(cluster.snapshot));
}

TEST(NeighbourProber, NothingIsAskedOfAnOwnerThatWasNotReached) {
    auto cluster = answered();
    cluster.lose("node-1");
    const auto plan = NeighbourProber().next(cluster.snapshot);
    EXPECT_TRUE(task(plan, "node-0").solicitations.empty());
    EXPECT_EQ(task(plan, "server").solicitations.size(), 1U);  // node-0 only
}

TEST(NeighbourProber, NothingIsAskedOverALinkThatIsDown) {
    auto cluster = answered();
    (*cluster.facts("node-0").links)[1].carrier = false;
    EXPECT_TRUE(task(NeighbourProber().next(cluster.snapshot), "node-0").solicitations.empty());
}

TEST(NeighbourProber, AGatewayOfNobodyIsNotAskedButAnyAddressOfTheOwnerIs) {
    auto cluster = Cluster(2);
    cluster.del_route("node-0", "10.200.1.0/24");
    cluster.add_route("node-0", testing::via("10.200.1.0/24", "10.240.0.77"));
    answer_from_routes(cluster);
    EXPECT_TRUE(task(NeighbourProber().next(cluster.snapshot), "node-0").solicitations.empty());
    cluster.add_address("node-1", "10.240.0.77", 24, kEth0);
    EXPECT_EQ(task(NeighbourProber().next(cluster.snapshot), "node-0").solicitations.size(), 1U);
}

TEST(NeighbourProber, ALearnedMacOfAnotherMachineIsAskedAbout) {
    for (const auto state : {kPermanent, kReachable}) {
        auto cluster = answered();
        learn_all(cluster, kReachable);
        cluster.facts("node-0").neighbours->clear();
        learn(cluster, "node-0", "10.240.0.21", kStranger, state);
        const auto plan = NeighbourProber().next(cluster.snapshot);
        ASSERT_TRUE(plan);
        EXPECT_EQ(plan->tasks.size(), 1U);
        const auto asked = task(plan, "node-0");
        EXPECT_TRUE(asked.solicitations.empty());
        ASSERT_EQ(asked.frames.size(), 1U);
        EXPECT_EQ(read_question(asked.frames[0].bytes), address("10.240.0.21"));
        EXPECT_EQ(asked.frames[0].ifindex, kEth0);
        // From the host's own link, with its own address: an answer finds the way back.
        const auto mac = testing::mac_bytes(mac_of(cluster, "node-0"));
        EXPECT_TRUE(std::equal(mac.begin(), mac.end(), asked.frames[0].bytes.begin() + 6));
        EXPECT_EQ(asked.frames[0].bytes[31], 20);
        ASSERT_EQ(asked.captures.size(), 1U);
        EXPECT_FALSE(asked.captures[0].filter.empty());
        EXPECT_EQ(plan->script.points.at("node-0"),
                  (std::vector<CapturePoint>{{kEth0, 0, "eth0", mac_of(cluster, "node-0")}}));
    }
}

TEST(NeighbourProber, UpperCaseMacsAreTheSame) {
    auto cluster = answered();
    learn_all(cluster, kReachable);
    for (auto& n : *cluster.facts("node-0").neighbours)
        for (char& c : n.mac) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_FALSE(NeighbourProber().next(cluster.snapshot));
}

// A plan of node-0 asking who has 10.240.0.21 and fd00:10:240::15.
RoundPlan asking_plan() {
    auto cluster = answered({.nodes = 2, .ipv6 = true});
    learn_all(cluster, kReachable);
    cluster.facts("node-0").neighbours->clear();
    learn(cluster, "node-0", "10.240.0.21", kStranger, kPermanent);
    learn(cluster, "node-0", "fd00:10:240::15", kStranger, kPermanent);
    return NeighbourProber().next(cluster.snapshot).value();
}

TEST(NeighbourProber, IsCompleteWhenEveryAddressHasAnAnswer) {
    const auto plan = asking_plan();
    NeighbourProber prober;
    std::vector<Frame> frames;
    EXPECT_FALSE(prober.complete(plan, "node-0", frames));
    EXPECT_TRUE(prober.complete(plan, "server", frames));  // asked for nothing
    frames.push_back(frame(arp_reply("02:00:00:00:02:15", address("10.240.0.21"), kStranger)));
    EXPECT_FALSE(prober.complete(plan, "node-0", frames));
    frames.push_back(frame(advertisement("02:00:00:00:02:15", address("fd00:10:240::15"), kStranger)));
    EXPECT_TRUE(prober.complete(plan, "node-0", frames));
}

TEST(NeighbourProber, ReadsEveryMachineThatAnsweredOnceInOrder) {
    HostCatch caught;
    const auto gateway = address("10.240.0.21");
    for (const auto* mac : {"02:00:00:00:02:15", "02:00:00:00:02:77", "02:00:00:00:02:15"})
        caught.frames.push_back(frame(arp_reply(mac, gateway, kStranger)));
    caught.frames.push_back(frame(arp_reply("02:00:00:00:02:88", gateway, kStranger), kEth0 + 1));
    caught.frames.push_back(frame(arp_reply("02:00:00:00:02:88", address("10.240.0.22"), kStranger)));
    const auto result = NeighbourProber().read(asking_plan(), {{"node-0", caught}});
    const auto& answers = result.hosts.at("node-0")->answers;
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].address, gateway);
    EXPECT_EQ(answers[0].macs, (std::vector<std::string>{"02:00:00:00:02:15", "02:00:00:00:02:77"}));
    EXPECT_TRUE(answers[1].macs.empty());  // asked, and silent
}

TEST(NeighbourProber, OnlyWhatWasAskedIsTakenFromAHost) {
    const auto plan = NeighbourProber().next(answered().snapshot).value();
    HostCatch caught;
    caught.solicited = {{address("10.240.0.21"), kEth0, "02:00:00:00:02:15", kReachable},
                        {address("10.240.0.21"), kEth0, "", 32},
                        {address("10.240.0.99"), kEth0, "02:00:00:00:02:99", kReachable}};
    caught.lookups.emplace_back();
    const auto result = NeighbourProber().read(plan, {{"node-0", caught}});
    EXPECT_EQ(result.hosts.at("node-0")->solicited, (std::vector<Neighbour>{caught.solicited[0]}));
    EXPECT_TRUE(result.hosts.at("node-0")->lookups.empty());
}

TEST(NeighbourProber, AHostThatFailedInTheRoundIsUnknownNotSilent) {
    const auto result =
        NeighbourProber().read(asking_plan(), {{"node-0", Unknown{"the agent is gone", "agent-failed", ""}}});
    ASSERT_FALSE(result.hosts.at("node-0").known());
    EXPECT_EQ(result.hosts.at("node-0").unknown().why, "the agent is gone");
    EXPECT_FALSE(NeighbourProber().read(asking_plan(), {}).hosts.at("node-0").known());
}

TEST(NeighbourProber, RandomFramesAnswerNothing) {
    const auto plan = asking_plan();
    testing::holds([&](const std::vector<Bytes>& noise) {
        HostCatch caught;
        for (const auto& bytes : noise) caught.frames.push_back(frame(bytes));
        RC_ASSERT(!NeighbourProber().complete(plan, "node-0", caught.frames));
        const auto result = NeighbourProber().read(plan, {{"node-0", caught}});
        for (const auto& a : result.hosts.at("node-0")->answers) RC_ASSERT(a.macs.empty());
    });
}

TEST(NeighbourProber, ALargeClusterStaysWithinItsBounds) {
    Cluster cluster({.nodes = 200});
    answer_from_routes(cluster);
    for (unsigned i = 1; i < 200; ++i)
        cluster.facts("node-0").neighbours->push_back(
            {Address::v4(0x0AF00000U + 20 + i), kEth0, kStranger, i < 150 ? kReachable : kPermanent});
    const auto asked = task(NeighbourProber().next(cluster.snapshot), "node-0");
    EXPECT_EQ(asked.frames.size(), kMaxQuestions);
    EXPECT_EQ(read_question(asked.frames[0].bytes), Address::v4(0x0AF00000U + 20 + 150));  // permanent first
}

// What has no room in one round is asked in the next.
TEST(NeighbourProber, EveryGatewayOfALargeClusterIsAskedInTheEnd) {
    Cluster cluster({.nodes = 200});
    answer_from_routes(cluster);
    for (unsigned i = 1; i < 200; ++i)
        learn(cluster, "node-0", Address::v4(0x0AF00000U + 20 + i).to_string(),
              mac_of(cluster, "node-" + std::to_string(i)), kStale);
    for (const auto& host : cluster.snapshot.inventory.hosts)
        if (host.name != "node-0") cluster.facts(host.name).fib = Unknown{"not read", "", ""};
    const auto snapshot = asked_out(cluster, kDelay, "02:00:00:00:02:15", true);
    EXPECT_EQ(snapshot.rounds.size(), 2U);
    EXPECT_EQ(asked_neighbours(snapshot, "node-0").size(), 199U);
    for (const auto& [key, asked] : asked_neighbours(snapshot, "node-0")) EXPECT_EQ(asked.questions, 1U);
}

}  // namespace
}  // namespace podroute
