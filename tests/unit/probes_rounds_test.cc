// Rounds: which there are, what they wait for, and what another run has to do with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "probes/detail_round.h"
#include "probes/main_round.h"
#include "tests/unit/probes_trial.h"

namespace podroute {
namespace {

using namespace testing;

class Variants : public ::testing::TestWithParam<testing::ClusterOptions> {};

TEST_P(Variants, AHealthyClusterIsProvenInTwoRounds) {
    Trial run(GetParam());
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    EXPECT_TRUE(run.world.completed[RoundStage::main]);
    const std::size_t families = GetParam().ipv6 ? 2 : 1;
    // 2 across, 2 within a node, 4 with the control host; icmp and tcp.
    EXPECT_EQ(results(snapshot, Purpose::verdict).size(), 8 * 2 * families);
    EXPECT_EQ(results(snapshot, Purpose::full_size).size(), 6 * families);
    for (const auto& r : snapshot.rounds.back().probes) {
        SCOPED_TRACE(name(r));
        EXPECT_EQ(r.sent, r.purpose == Purpose::verdict ? 3U : 1U);
        EXPECT_EQ(r.arrived, r.sent);
        EXPECT_EQ(r.answered, r.sent);
        EXPECT_EQ(r.round_trips_us.size(), r.sent);
        EXPECT_FALSE(r.source_seen);
        EXPECT_TRUE(r.unknown.empty() && r.objections.empty() && r.sightings.empty());
        EXPECT_EQ(r.size, r.purpose == Purpose::full_size ? 1500U : r.size);
    }
}
INSTANTIATE_TEST_SUITE_P(All, Variants,
                         ::testing::Values(testing::ClusterOptions{}, testing::ClusterOptions{.ipv6 = true},
                                           testing::ClusterOptions{.bridge = false},
                                           testing::ClusterOptions{.ipv6 = true, .bridge = false}));

TEST(PacketProber, RoundTripsAreTakenOnTheSourcesClock) {
    Trial run;
    run.world.one_way_us = 20'000;
    const auto& snapshot = run.observe();
    const auto* r = results(snapshot, Purpose::verdict, "pod node-0 > pod node-1 icmp").front();
    for (const auto us : r->round_trips_us) {
        EXPECT_GE(us, 40'000U);
        EXPECT_LT(us, 41'000U);
    }
}

// Nothing rests on what one host's clock says beside another's.
TEST(PacketProber, ClocksHoursApartChangeNothing) {
    const auto observed = [](const std::map<HostId, std::uint64_t>& clocks) {
        Trial run;
        run.cluster.snapshot.policy.trace = Trace::all;
        run.world.clock_ahead_us = clocks;
        run.world.faults = {[](const Place& p, const Bytes& ip, bool reply) {
            return Fate{.lost = reply && is(p, "node-1", testing::kEth0, true) &&
                                goes(ip, "10.200.1.0/24", "10.200.0.0/24"),
                        .sent_back = {},
                        .new_source = {}};
        }};
        return run.observe();
    };
    constexpr std::uint64_t kHour = 3'600'000'000;
    const Snapshot same = observed({});
    EXPECT_EQ(stages(same), (Stages{RoundStage::pods, RoundStage::main, RoundStage::detail}));
    EXPECT_EQ(observed({{"node-0", 5 * kHour}, {"server", 24 * kHour}}), same);
    EXPECT_EQ(observed({{"node-1", 7 * kHour}}), same);
}

// In each round the last frame and the wait for its answer take no longer than the timeout.
TEST(PacketProber, BothRoundsTogetherTakeTwiceTheTimeout) {
    for (const std::uint32_t timeout_ms : {50U, 100U, 300U, 500U, 700U, 1000U, 5000U}) {
        Trial run;
        run.cluster.snapshot.policy.timeout_ms = timeout_ms;
        run.world.faults = {[](const Place& p, const Bytes& ip, bool) {
            return Fate{
                .lost = is(p, "node-0", testing::kEth0, true) && goes(ip, "10.200.0.0/24", "10.200.1.0/24"),
                .sent_back = {},
                .new_source = {}};
        }};
        const auto& snapshot = run.observe();
        EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main, RoundStage::detail}));
        EXPECT_EQ(total(snapshot, "pod node-0 > pod node-1 icmp").sent, 20U) << timeout_ms;
        for (const RoundPlan& plan : run.world.plans) {
            if (plan.stage == RoundStage::pods) continue;
            std::uint64_t last = 0;
            for (const auto& [host, task] : plan.tasks)
                for (const Frame& frame : task.frames) last = std::max(last, frame.time_us);
            EXPECT_LE(last + std::uint64_t{1000} * plan.wait_ms, std::uint64_t{1000} * timeout_ms)
                << static_cast<int>(plan.stage) << " " << timeout_ms;
            EXPECT_GE(plan.wait_ms, std::min(timeout_ms / 2, 50U))
                << static_cast<int>(plan.stage) << " " << timeout_ms;
        }
    }
}

// One echo from node-0 to node-1 is lost, in a network this slow; what was sent of the pair in all, and how
// long the detail round waits, 0: there is none.
struct Slow {
    std::uint32_t sent = 0, wait_ms = 0;
    std::uint64_t last_us = 0;  // when the detail round's last frame leaves
};
Slow one_lost(std::uint64_t one_way_us, Trace trace = Trace::failed) {
    Trial run;
    run.cluster.snapshot.policy.trace = trace;
    run.world.one_way_us = one_way_us;
    unsigned seen = 0;
    run.world.faults = {[&](const Place& p, const Bytes& ip, bool reply) {
        const bool at = is(p, "node-1", testing::kEth0, false) && testing::next_header(ip) == 1 && !reply &&
                        ip.size() == 84 && goes(ip, "10.200.0.0/24", "10.200.1.0/24");
        return Fate{.lost = at && seen++ == 0, .sent_back = {}, .new_source = {}};
    }};
    Slow out;
    out.sent = total(run.observe(), "pod node-0 > pod node-1 icmp").sent;
    if (run.world.plans.back().stage != RoundStage::detail) return out;
    out.wait_ms = run.world.plans.back().wait_ms;
    for (const auto& [host, task] : run.world.plans.back().tasks)
        for (const Frame& frame : task.frames) out.last_us = std::max(out.last_us, frame.time_us);
    return out;
}

TEST(PacketProber, AnswersAreWaitedForAsLongAsTheyTake) {
    EXPECT_EQ(one_lost(100).wait_ms, 50U);
    EXPECT_NEAR(one_lost(30'000).wait_ms, 240, 4);
    EXPECT_NEAR(one_lost(100'000).wait_ms, 301, 2);  // 1.5 round trips, which are a bit more than 200 ms
    for (const std::uint64_t one_way_us : {170'000U, 250'000U, 400'000U, 485'000U}) {
        const Slow slow = one_lost(one_way_us);
        EXPECT_EQ(slow.sent, kLossSample) << one_way_us;
        EXPECT_GE(slow.wait_ms, 2 * one_way_us / 1000) << one_way_us;
        EXPECT_LE(slow.last_us + std::uint64_t{1000} * slow.wait_ms, 1'000'000U) << one_way_us;
    }
}

// The main round is all there is: more would only count as lost.
TEST(PacketProber, WhatCouldNotBeAnsweredInTimeIsNotSent) {
    EXPECT_EQ(one_lost(495'000).sent, 3U);
    EXPECT_EQ(one_lost(495'000, Trace::none).wait_ms, 0U);
}

TEST(PacketProber, NothingIsSentWhereNoPacketLayerIsJudged) {
    Trial run;
    run.cluster.snapshot.policy.layers = {Layer::routes, Layer::links};
    EXPECT_TRUE(run.observe().rounds.empty());
}

TEST(PacketProber, LayersChooseProtocols) {
    Policy policy;
    policy.protocols = {Protocol::tcp};
    EXPECT_EQ(probed_protocols(policy), std::vector{Protocol::tcp});
    EXPECT_FALSE(probes_sizes(policy));
    policy.layers = {Layer::mtu};
    EXPECT_EQ(probed_protocols(policy), std::vector{Protocol::icmp});
    EXPECT_TRUE(probes_sizes(policy));
    policy.layers = {Layer::udp, Layer::tcp};
    EXPECT_EQ(probed_protocols(policy), (std::vector{Protocol::tcp, Protocol::udp}));
}

TEST(PacketProber, UdpIsAskedForByName) {
    Trial run;
    run.cluster.snapshot.policy.protocols = {Protocol::udp};
    const auto& snapshot = run.observe();
    EXPECT_EQ(results(snapshot, Purpose::verdict).size(), 8U);
    for (const auto* r : results(snapshot, Purpose::verdict)) EXPECT_EQ(r->answered, 3U) << name(*r);
    // Echoed in pods and on the control host.
    EXPECT_EQ(run.world.plans.back().tasks.at("server").listeners.size(), 1U);
    EXPECT_EQ(run.world.plans.back().tasks.at("server").listeners[0].pod, 0U);
}

TEST(PacketProber, TheSameSnapshotGivesTheSamePlan) {
    Trial one, two;
    one.observe();
    two.observe();
    ASSERT_EQ(one.world.plans.size(), two.world.plans.size());
    for (std::size_t i = 0; i < one.world.plans.size(); ++i) {
        EXPECT_EQ(one.world.plans[i].script, two.world.plans[i].script);
        for (const auto& [host, task] : one.world.plans[i].tasks) {
            EXPECT_EQ(task.pods, two.world.plans[i].tasks.at(host).pods);
            EXPECT_EQ(task.frames, two.world.plans[i].tasks.at(host).frames);
        }
    }
}

// --fix looks again, with the same run, the same stages and as many rounds before: a late packet of the first
// look is no packet of the second.
TEST(PacketProber, TheNextObservationOfARunHasOtherProbes) {
    std::set<std::uint16_t> tags;
    std::set<std::uint64_t> words;
    std::vector<PodSpec> pods;
    for (std::uint32_t observation = 0; observation < 3; ++observation) {
        Trial run;
        run.cluster.snapshot.run.observation = observation;
        run.observe();
        ASSERT_EQ(run.world.plans.back().stage, RoundStage::main);
        tags.insert(run.world.plans.back().script.tag);
        words.insert(run.world.plans.back().script.word);
        pods.push_back(run.world.plans.front().tasks.at("node-0").pods.front());
    }
    EXPECT_EQ(tags.size(), 3U);
    EXPECT_EQ(words.size(), 1U);
    EXPECT_NE(pods[0].link, pods[1].link);
    EXPECT_NE(pods[1].link, pods[2].link);
}

TEST(ProberChain, TheSecondBeginsWhenTheFirstHasNoMoreToAsk) {
    Cluster cluster(2);
    PacketProber first, second;
    ProberChain chain({&first, &second});
    World world(cluster);
    const auto& snapshot = world.observe(chain);
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    EXPECT_FALSE(ProberChain({}).next(snapshot));
}

}  // namespace
}  // namespace podroute
