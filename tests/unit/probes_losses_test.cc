// Packets that are lost: how many more are sent, and where they were last seen.
#include <gtest/gtest.h>

#include <map>

#include "probes/main_round.h"
#include "tests/unit/probes_trial.h"

namespace podroute {
namespace {

using namespace testing;

TEST(PacketProber, ALostRequestIsToppedUpAndSeenWhereItStopped) {
    Trial run;
    run.world.faults = {request_dies_in_node_0};
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main, RoundStage::detail}));
    const auto lost = total(snapshot, "pod node-0 > pod node-1 icmp");
    EXPECT_EQ(lost.sent, 20U);
    EXPECT_EQ(lost.arrived, 0U);
    EXPECT_EQ(lost.answered, 0U);
    EXPECT_TRUE(sighted(lost, "node-0", std::string(kPodLink), true));
    EXPECT_TRUE(sighted(lost, "node-0", "cnio0", false));
    EXPECT_FALSE(sighted(lost, "node-0", "eth0", true));
    // The other way the request arrives, and its answer dies on the same host.
    const auto reply = total(snapshot, "pod node-1 > pod node-0 icmp");
    EXPECT_EQ(reply.arrived, 20U);
    EXPECT_EQ(reply.answered, 0U);
    EXPECT_TRUE(sighted(reply, "node-0", std::string(kPodLink), true, ProbeLeg::reply));
    EXPECT_FALSE(sighted(reply, "node-0", "eth0", true, ProbeLeg::reply));
    // Evidence: pod to node, node to pod, node to node, both ways, by each protocol.
    EXPECT_EQ(results(snapshot, Purpose::evidence).size(), 12U);
    for (const auto* r : results(snapshot, Purpose::evidence)) {
        EXPECT_EQ(r->arrived, r->sent) << name(*r);
        EXPECT_EQ(r->answered, r->sent) << name(*r);
    }
    // Pairs that are well are not asked again.
    EXPECT_EQ(total(snapshot, "node server > pod node-0 icmp").sent, 3U);
}

// A sample that is large enough already says how much is lost, and not where.
TEST(PacketProber, ManyProbesThatAreLostAreLookedForAllTheSame) {
    Trial run;
    run.cluster.snapshot.policy.count = 50;
    run.world.faults = {request_dies_in_node_0};
    const auto lost = total(run.observe(), "pod node-0 > pod node-1 icmp");
    EXPECT_EQ(lost.sent, 67U);
    EXPECT_TRUE(sighted(lost, "node-0", "cnio0", false));
    EXPECT_FALSE(sighted(lost, "node-0", "eth0", true));
}

TEST(PacketProber, HopLimitsNameTheRouters) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool) {
        return Fate{.lost = p.host == "node-1" && p.pod == 0 && p.ifindex == testing::kCnio0 && p.leaving &&
                            goes(ip, "10.200.0.0/24", "10.200.1.0/24"),
                    .sent_back = {},
                    .new_source = {}};
    }};
    const auto& snapshot = run.observe();
    std::map<unsigned, std::string> hops;
    for (const auto* r : results(snapshot, Purpose::hop_limit, "pod node-0 > pod node-1 icmp"))
        for (const auto& o : r->objections)
            if (o.type == 11) hops[r->hop_limit] = o.from.to_string();
    EXPECT_EQ(hops, (std::map<unsigned, std::string>{{1, "10.240.0.20"}, {2, "10.240.0.21"}}));
}

TEST(PacketProber, TracesAreKeptWithinWhatRoutersAnswer) {
    Trial run({.nodes = 12});
    run.world.faults = {[](const Place& p, const Bytes&, bool) {
        return Fate{.lost = p.ifindex == testing::kEth0 && !p.leaving, .sent_back = {}, .new_source = {}};
    }};
    const auto& snapshot = run.observe();
    std::map<std::pair<Endpoint, unsigned>, unsigned> from;
    for (const auto* r : results(snapshot, Purpose::hop_limit))
        if (r->protocol == Protocol::icmp) ++from[{r->source, r->hop_limit}];
    ASSERT_FALSE(from.empty());
    for (const auto& [key, count] : from) EXPECT_LE(count, kMaxTraced);
}

TEST(PacketProber, TraceNoneListensNowhereElse) {
    Trial run;
    run.cluster.snapshot.policy.trace = Trace::none;
    run.world.faults = {request_dies_in_node_0};
    const auto& snapshot = run.observe();
    EXPECT_TRUE(results(snapshot, Purpose::hop_limit).empty());
    EXPECT_FALSE(run.world.plans.back().script.paths);
    EXPECT_EQ(total(snapshot, "pod node-0 > pod node-1 icmp").sent, 20U);
}

TEST(PacketProber, TraceAllSeesEveryHopOfAHealthyPair) {
    Trial run;
    run.cluster.snapshot.policy.trace = Trace::all;
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    const auto whole = total(snapshot, "pod node-0 > pod node-1 icmp");
    for (const auto leg : {ProbeLeg::request, ProbeLeg::reply}) {
        const bool back = leg == ProbeLeg::reply;
        EXPECT_TRUE(sighted(whole, back ? "node-1" : "node-0", "cnio0", false, leg));
        EXPECT_TRUE(sighted(whole, back ? "node-1" : "node-0", "eth0", true, leg));
        EXPECT_TRUE(sighted(whole, back ? "node-0" : "node-1", "eth0", false, leg));
        EXPECT_TRUE(sighted(whole, back ? "node-0" : "node-1", "cnio0", true, leg));
    }
    EXPECT_FALSE(results(snapshot, Purpose::hop_limit).empty());
}

TEST(PacketProber, OneLostProbeIsCountedOutOfTwenty) {
    Trial run;
    unsigned seen = 0;
    run.world.faults = {[&](const Place& p, const Bytes& ip, bool) {
        const bool at = is(p, "node-1", testing::kEth0, false) && testing::next_header(ip) == 1 &&
                        ip.size() == 84 && goes(ip, "10.200.0.0/24", "10.200.1.0/24");
        return Fate{.lost = at && seen++ == 0, .sent_back = {}, .new_source = {}};
    }};
    const auto& snapshot = run.observe();
    std::size_t topped = 0;
    for (const auto& r : snapshot.rounds.back().probes) topped += r.purpose == Purpose::verdict ? 1 : 0;
    EXPECT_EQ(topped, 1U);
    const auto& detail = run.world.plans.back();
    EXPECT_EQ(detail.stage, RoundStage::detail);
    const auto& frames = detail.tasks.at("node-0").frames;
    ASSERT_EQ(frames.size(), 17U);
    EXPECT_EQ(frames[1].time_us - frames[0].time_us, 20'000U);
    const auto sum = total(snapshot, "pod node-0 > pod node-1 icmp").answered +
                     total(snapshot, "pod node-1 > pod node-0 icmp").answered;
    EXPECT_EQ(sum, 19U + 3U);
    EXPECT_TRUE(results(snapshot, Purpose::evidence).empty());
}

}  // namespace
}  // namespace podroute
