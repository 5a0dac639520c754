// The rounds of the packet prober, over a simulated cluster.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "probes/detail_round.h"
#include "probes/main_round.h"
#include "probes/next_hops.h"
#include "probes/pod_plan.h"
#include "tests/unit/probes_world.h"

namespace podroute {
namespace {

using testing::address;
using testing::Bytes;
using testing::Cluster;
using testing::Fate;
using testing::Place;
using testing::prefix;
using testing::World;

using Stages = std::vector<RoundStage>;

Stages stages(const Snapshot& snapshot) {
    Stages out;
    for (const auto& round : snapshot.rounds) out.push_back(round.stage);
    return out;
}

std::string name(const ProbeResult& r) {
    return to_string(r.source) + " > " + to_string(r.destination) + " " + std::string(to_string(r.protocol));
}

// Of one purpose, by source, destination and protocol; of all rounds together.
std::vector<const ProbeResult*> results(const Snapshot& snapshot, Purpose purpose,
                                        const std::string& named = "") {
    std::vector<const ProbeResult*> out;
    for (const auto& round : snapshot.rounds)
        for (const auto& r : round.probes)
            if (r.purpose == purpose && (named.empty() || name(r) == named)) out.push_back(&r);
    return out;
}

// Sums over the rounds, as a judge makes them.
ProbeResult total(const Snapshot& snapshot, const std::string& named) {
    ProbeResult sum;
    for (const auto* r : results(snapshot, Purpose::verdict, named)) {
        sum.sent += r->sent;
        sum.arrived += r->arrived;
        sum.answered += r->answered;
        if (r->source_seen) sum.source_seen = r->source_seen;
        sum.objections.insert(sum.objections.end(), r->objections.begin(), r->objections.end());
        sum.sightings.insert(sum.sightings.end(), r->sightings.begin(), r->sightings.end());
    }
    return sum;
}

bool sighted(const ProbeResult& r, const HostId& host, const std::string& interface, bool leaving,
             ProbeLeg leg = ProbeLeg::request) {
    for (const auto& s : r.sightings)
        if (s.host == host && s.interface == interface && s.leaving == leaving && s.leg == leg) return true;
    return false;
}

// Packets of a protocol from one pod network to another that are at this place.
bool is(const Place& place, const HostId& host, std::uint32_t ifindex, bool leaving) {
    return place.host == host && place.ifindex == ifindex && place.pod == 0 && place.leaving == leaving;
}
bool goes(const Bytes& ip, const std::string& from, const std::string& to) {
    return prefix(from).contains(testing::source_of(ip)) && prefix(to).contains(testing::destination_of(ip));
}

struct Trial {
    explicit Trial(const testing::ClusterOptions& options = {}) : cluster(options), world(cluster) {}
    Snapshot& observe() {
        PacketProber prober;
        return world.observe(prober);
    }
    Cluster cluster;
    World world;
};

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

// A SYN-ACK that was lost is sent once more, a second later: that is no slow network.
TEST(PacketProber, ARepeatedSynAckIsNoRoundTrip) {
    Trial run;
    PacketProber prober;
    run.observe();
    for (auto& probe : run.cluster.snapshot.rounds.back().probes) {
        if (name(probe) != "pod node-0 > pod node-1 tcp") continue;
        probe.answered = 2;
        probe.round_trips_us = {400, 1'004'000};
    }
    const auto plan = plan_detail_round(run.cluster.snapshot);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->wait_ms, 50U);
    EXPECT_EQ(plan->script.flows.at(0).count, kLossSample - 3);
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

// From its pods to those of node-1, when it forwards them.
Fate request_dies_in_node_0(const Place& p, const Bytes& ip, bool) {
    return {.lost = is(p, "node-0", testing::kEth0, true) && goes(ip, "10.200.0.0/24", "10.200.1.0/24"),
            .sent_back = {},
            .new_source = {}};
}

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

TEST(PacketProber, ARejectIsAnObjectionAndSettlesTheRound) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool) {
        Fate fate;
        if (is(p, "node-1", testing::kCnio0, true) && goes(ip, "10.200.0.0/24", "10.200.1.0/24"))
            fate.sent_back = testing::error_about(ip, address("10.240.0.21"), 3, 10, 0, 64);
        return fate;
    }};
    const auto& snapshot = run.observe();
    const auto rejected = total(snapshot, "pod node-0 > pod node-1 tcp");
    EXPECT_EQ(rejected.answered, 0U);
    ASSERT_FALSE(rejected.objections.empty());
    EXPECT_EQ(rejected.objections[0].from, address("10.240.0.21"));
    EXPECT_EQ(rejected.objections[0].type, 3);
    EXPECT_EQ(rejected.objections[0].code, 10);
    EXPECT_EQ(rejected.objections[0].count, 3U);
}

TEST(PacketProber, AForgedResetIsNoAnswer) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool reply) {
        Fate fate;
        if (is(p, "node-1", testing::kCnio0, true) && testing::next_header(ip) == 6 && !reply)
            fate.sent_back = testing::with_hop_limit(testing::reset_to(ip), 63);
        return fate;
    }};
    const auto& snapshot = run.observe();
    const auto forged = total(snapshot, "pod node-0 > pod node-1 tcp");
    EXPECT_EQ(forged.arrived, 0U);
    EXPECT_EQ(forged.answered, 0U);
    ASSERT_FALSE(forged.objections.empty());
    EXPECT_TRUE(forged.objections[0].reset);
    EXPECT_EQ(forged.objections[0].ttl, 63);
    EXPECT_EQ(total(snapshot, "pod node-0 > pod node-1 icmp").answered, 3U);
}

TEST(PacketProber, AResetOfTheTargetItselfIsAnAnswer) {
    Trial run;
    run.cluster.snapshot.policy.tcp_port = 4433;
    run.world.resets = {"server"};  // nobody listens there
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    const auto* r = results(snapshot, Purpose::verdict, "pod node-1 > node server tcp").front();
    EXPECT_EQ(r->arrived, 3U);
    EXPECT_EQ(r->answered, 3U);
    EXPECT_EQ(r->round_trips_us.size(), 3U);
    EXPECT_TRUE(r->objections.empty());
}

// A filter of the control host, for what comes from node-0's pods.
Fate reset_at_the_server(const Place& p, const Bytes& ip, bool reply) {
    Fate fate;
    if (is(p, "server", testing::kEth0, false) && testing::next_header(ip) == 6 && !reply &&
        goes(ip, "10.200.0.0/24", "0.0.0.0/0"))
        fate.sent_back_after = testing::with_hop_limit(testing::reset_to(ip), 63);
    return fate;
}

TEST(PacketProber, AResetByAPortThatOpensConnectionsToOthersIsNoAnswer) {
    Trial run;
    run.world.faults = {reset_at_the_server};
    const auto& snapshot = run.observe();
    const auto reset = total(snapshot, "pod node-0 > node server tcp");
    EXPECT_EQ(reset.arrived, 20U);
    EXPECT_EQ(reset.answered, 0U);
    ASSERT_FALSE(reset.objections.empty());
    EXPECT_TRUE(reset.objections[0].reset);
    EXPECT_EQ(total(snapshot, "pod node-1 > node server tcp").answered, 3U);
}

TEST(PacketProber, AResetByThePortOfTheSessionIsNoAnswer) {
    Trial run;
    run.world.resets = {"server"};
    EXPECT_EQ(total(run.observe(), "pod node-1 > node server tcp").answered, 0U);
    Trial by_another_address;
    by_another_address.world.resets = {"server"};
    by_another_address.cluster.facts("server").ssh_connection = "192.0.2.5 51000 192.0.2.10 22";
    EXPECT_EQ(total(by_another_address.observe(), "pod node-1 > node server tcp").answered, 3U);
}

TEST(PacketProber, ARewrittenSourceIsToldByTheTarget) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool reply) {
        Fate fate;
        if (is(p, "node-0", testing::kEth0, true) && !reply && goes(ip, "10.200.0.0/24", "0.0.0.0/0"))
            fate.new_source = address("10.240.0.20");
        return fate;
    }};
    const auto& snapshot = run.observe();
    const auto hidden = total(snapshot, "pod node-0 > pod node-1 tcp");
    EXPECT_EQ(hidden.answered, 3U);
    EXPECT_EQ(hidden.arrived, 3U);
    ASSERT_TRUE(hidden.source_seen);
    EXPECT_EQ(*hidden.source_seen, address("10.240.0.20"));
    EXPECT_FALSE(total(snapshot, "pod node-1 > pod node-0 tcp").source_seen);
}

TEST(PacketProber, ALostFullSizePacketIsFollowedByOthers) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool) {
        return Fate{.lost = is(p, "node-1", testing::kEth0, false) && ip.size() > 1450,
                    .sent_back = {},
                    .new_source = {}};
    }};
    const auto& snapshot = run.observe();
    // Small ones, too: it may have been lost by chance.
    EXPECT_EQ(total(snapshot, "pod node-0 > pod node-1 icmp").answered, 20U);
    std::uint32_t passes = 0;
    std::set<std::uint32_t> tried;
    for (const auto* r : results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 icmp")) {
        tried.insert(r->size);
        if (r->arrived == r->sent) passes = std::max(passes, r->size);
    }
    EXPECT_EQ(passes, 1450U);
    EXPECT_TRUE(tried.contains(1500));
}

TEST(PacketProber, AFullSizePacketThatOneLostIsCountedOutOfTwenty) {
    Trial run;
    unsigned seen = 0;
    run.world.faults = {[&](const Place& p, const Bytes& ip, bool reply) {
        const bool at = is(p, "node-1", testing::kEth0, false) && ip.size() > 1450 && !reply &&
                        goes(ip, "10.200.0.0/24", "10.200.1.0/24");
        return Fate{.lost = at && seen++ == 0, .sent_back = {}, .new_source = {}};
    }};
    std::uint32_t sent = 0, arrived = 0;
    for (const auto* r : results(run.observe(), Purpose::full_size, "pod node-0 > pod node-1 icmp")) {
        if (r->size != 1500) continue;
        sent += r->sent;
        arrived += r->arrived;
    }
    EXPECT_EQ(sent, kLossSample);
    EXPECT_EQ(arrived, kLossSample - 1);
}

// Every echo is filtered: large packets are sent as SYNs, whose arrival is what counts.
TEST(PacketProber, WhereEchoIsFilteredLargePacketsAreTcp) {
    for (const bool small_mtu : {false, true}) {
        for (const bool ipv6 : {false, true}) {
            Trial run(testing::ClusterOptions{.ipv6 = ipv6});
            run.world.faults = {[&](const Place& p, const Bytes& ip, bool) {
                const bool echo = testing::next_header(ip) == 1 || testing::next_header(ip) == 58;
                return Fate{.lost = is(p, "node-1", testing::kEth0, false) &&
                                    (echo || (small_mtu && ip.size() > 1400)),
                            .sent_back = {},
                            .new_source = {}};
            }};
            const auto& snapshot = run.observe();
            std::map<std::uint32_t, bool> passes;
            for (const auto* r : results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 tcp"))
                passes[r->size] = r->arrived == r->sent && r->sent > 0;
            ASSERT_TRUE(passes.contains(1500) && passes.contains(1400) && passes.contains(576));
            EXPECT_EQ(passes[1500], !small_mtu);
            EXPECT_TRUE(passes[1400] && passes[576]);
            EXPECT_FALSE(results(snapshot, Purpose::full_size, "pod node-1 > pod node-0 tcp").empty());
        }
    }
}

TEST(PacketProber, TheMtuThatARouterNamesIsTried) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool) {
        Fate fate;
        if (is(p, "node-0", testing::kEth0, true) && ip.size() > 1437)
            fate.sent_back = testing::error_about(ip, address("10.240.0.20"), 3, 4, 1437, 64);
        return fate;
    }};
    const auto& snapshot = run.observe();
    bool named = false, passed = false;
    for (const auto* r : results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 icmp")) {
        for (const auto& o : r->objections) named |= o.mtu == 1437;
        passed |= r->size == 1437 && r->answered == r->sent;
    }
    EXPECT_TRUE(named && passed);
}

TEST(PacketProber, FullSizeIsThatOfTheSourcesPodLink) {
    Trial run;
    run.world.pod_mtu["node-0"] = 9000;
    const auto& snapshot = run.observe();
    EXPECT_EQ(results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 icmp").front()->size, 9000U);
    EXPECT_EQ(results(snapshot, Purpose::full_size, "pod node-1 > pod node-0 icmp").front()->size, 1500U);
}

// A host with two cards reaches one node by each.
TEST(PacketProber, FullSizeOfANodeIsThatOfTheLinkItsRouteLeavesBy) {
    Trial run;
    run.cluster.add_link("server", 7, "eth1", "");
    HostFacts& server = run.cluster.facts("server");
    server.links->back().mtu = 1400;
    FibAnswer answer;
    answer.query.destination = address("10.200.1.1");
    answer.next_hops = {{address("10.240.0.21"), 7, 0, 1}};
    server.fib->push_back(answer);
    const auto& snapshot = run.observe();
    EXPECT_EQ(results(snapshot, Purpose::full_size, "node server > pod node-1 icmp").front()->size, 1400U);
    EXPECT_EQ(results(snapshot, Purpose::full_size, "node server > pod node-0 icmp").front()->size, 1500U);
}

TEST(PacketProber, LargePacketsGoBothWaysAlsoWhereAPairIsProbedOneWay) {
    Trial run({.nodes = 6});
    run.cluster.snapshot.policy.pairs_per_cidr = 2;
    const auto& snapshot = run.observe();
    std::set<std::pair<Endpoint, Endpoint>> small, large;
    for (const auto* r : results(snapshot, Purpose::verdict))
        if (r->source.host != r->destination.host) small.emplace(r->source, r->destination);
    for (const auto* r : results(snapshot, Purpose::full_size)) {
        EXPECT_EQ(r->arrived, 1U) << name(*r);
        EXPECT_TRUE(large.emplace(r->source, r->destination).second) << name(*r);
    }
    for (const auto& [from, to] : small)
        EXPECT_TRUE(large.contains({from, to}) && large.contains({to, from}));
    EXPECT_GT(large.size(), small.size());
}

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

TEST(PacketProber, AddressesAreTriedThreeTimes) {
    Trial run;
    const auto network = prefix("10.200.1.0/24");
    for (Address a = network.first(); network.contains(a); a = a.offset(1)) run.world.taken.insert(a);
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot),
              (Stages{RoundStage::pods, RoundStage::pods, RoundStage::pods, RoundStage::main}));
    EXPECT_EQ(run.world.plans[1].tasks.at("node-1").pods.size(), 2U);
    EXPECT_EQ(run.world.plans[2].tasks.at("node-1").pods.size(), 1U);  // at least one
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

// node-0 reaches node-1's network by node-1, the odd addresses, and by node-2.
struct TwoLegs : Trial {
    TwoLegs() : Trial({.nodes = 3}) {
        FibAnswer two;
        two.query = {address("10.200.1.1"), address("10.200.0.2"), "cnio0"};
        two.type = RouteType::unicast;
        two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                         {address("10.240.0.22"), testing::kEth0, 0, 1}};
        cluster.facts("node-0").fib->push_back(two);
        world.lookups = [](const HostId&, const std::vector<FibQuery>& queries) {
            std::vector<FibAnswer> out;
            for (const auto& q : queries) {
                EXPECT_TRUE(q.chosen && q.iif == "cnio0" && q.source && q.ip_proto == 1);
                FibAnswer a;
                a.query = q;
                a.next_hops = {
                    {address(odd(q.destination) ? "10.240.0.21" : "10.240.0.22"), testing::kEth0, 0, 1}};
                out.push_back(a);
            }
            return out;
        };
    }
    static bool odd(const Address& a) { return (a.v4_value() & 1U) != 0; }
    // An echo by the leg that is not node-1's own, as it leaves node-0.
    static bool by_the_other(const Place& p, const Bytes& ip) {
        return is(p, "node-0", testing::kEth0, true) && goes(ip, "10.200.0.0/24", "10.200.1.0/24") &&
               !odd(testing::destination_of(ip)) && ip.size() == 84 && testing::next_header(ip) == 1;
    }
};

TEST(PacketProber, ADeadLegOfSeveralNextHopsIsSeen) {
    TwoLegs run;
    run.world.faults = {[&](const Place& p, const Bytes& ip, bool) {
        return Fate{.lost = TwoLegs::by_the_other(p, ip), .sent_back = {}, .new_source = {}};
    }};
    const auto& snapshot = run.observe();
    std::map<std::string, bool> works;
    for (const auto* r : results(snapshot, Purpose::next_hop))
        works[r->next_hop->to_string()] = sighted(*r, "node-1", "eth0", false);
    EXPECT_EQ(works, (std::map<std::string, bool>{{"10.240.0.21", true}, {"10.240.0.22", false}}));
    // The dead one was tried again, and seen where it was lost.
    const auto legs = results(snapshot, Purpose::next_hop);
    const auto& again = *legs.back();
    EXPECT_EQ(snapshot.rounds.back().stage, RoundStage::detail);
    EXPECT_EQ(legs.size(), 3U);
    EXPECT_EQ(again.next_hop, address("10.240.0.22"));
    EXPECT_EQ(again.sent, kLossSample - 3);
    EXPECT_TRUE(sighted(again, "node-0", "cnio0", false));
    EXPECT_FALSE(sighted(again, "node-0", "eth0", true));
}

// Whether that is chance shows in the rest of the sample, with captures elsewhere or without.
TEST(PacketProber, ALegThatLosesOnePacketIsCountedOutOfTwenty) {
    for (const Trace trace : {Trace::failed, Trace::none}) {
        TwoLegs run;
        run.cluster.snapshot.policy.trace = trace;
        unsigned seen = 0;
        run.world.faults = {[&](const Place& p, const Bytes& ip, bool) {
            // The pair itself may go this way; its packets are not those that nobody answers.
            const bool leg = TwoLegs::by_the_other(p, ip) &&
                             testing::destination_of(ip) !=
                                 run.world.plans.front().tasks.at("node-1").pods.at(0).addresses.at(0);
            return Fate{.lost = leg && seen++ == 0, .sent_back = {}, .new_source = {}};
        }};
        const auto& snapshot = run.observe();
        std::uint32_t sent = 0, entered = 0;
        for (const auto* r : results(snapshot, Purpose::next_hop)) {
            if (r->next_hop != address("10.240.0.22")) continue;
            sent += r->sent;
            for (const auto& s : r->sightings)
                if (s.host == "node-1" && s.interface == "eth0" && !s.leaving) entered += s.count;
        }
        EXPECT_EQ(sent, kLossSample);
        EXPECT_EQ(entered, kLossSample - 1);
        // The owner waits for the one that is missing: in a slow network it would come yet.
        EXPECT_FALSE(run.world.completed[RoundStage::main]);
        EXPECT_TRUE(run.world.completed[RoundStage::detail]);
    }
}

TEST(PacketProber, HealthyLegsEndTheRoundWhenTheyHaveComeIn) {
    TwoLegs run;
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    EXPECT_EQ(results(snapshot, Purpose::next_hop).size(), 2U);
    EXPECT_TRUE(run.world.completed[RoundStage::main]);
}

// Where the owner cannot listen, nothing would ever come in.
TEST(PacketProber, ALegToAHostThatCannotListenIsNotWaitedFor) {
    TwoLegs run;
    run.cluster.facts("node-1").uid = 1000;
    const auto& snapshot = run.observe();
    for (const auto* r : results(snapshot, Purpose::next_hop)) EXPECT_FALSE(r->unknown.empty());
    EXPECT_TRUE(run.world.completed[RoundStage::main]);
}

TEST(PacketProber, LegsAreBoundedAndThoseLeftOutSaySo) {
    Trial run;
    auto& facts = run.cluster.facts("node-0");
    auto& owner = run.cluster.snapshot.inventory.hosts.back();
    ASSERT_EQ(owner.name, "node-1");
    owner.pod_cidrs.clear();
    for (int i = 0; i < 130; ++i) {
        const Prefix cidr{Address::v4(0x0a640000U + (static_cast<std::uint32_t>(i) << 8U)), 24};
        owner.pod_cidrs.push_back(cidr);
        FibAnswer two;
        two.query = {cidr.sample_pod(), address("10.200.0.2"), "cnio0"};
        two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                         {address("10.240.0.22"), testing::kEth0, 0, 1}};
        facts.fib->push_back(two);
    }
    PodSpec pod;
    pod.addresses = {address("10.200.0.200")};
    pod.bridge = "cnio0";
    const auto& host = *run.cluster.snapshot.inventory.find("node-0");
    HostFindings findings;
    findings.asked = {pod};
    findings.pods = {{"node-0", Vantage::pod, pod.addresses.front()}};
    for (const FibQuery& query : leg_queries(run.cluster.snapshot, host, facts, {pod})) {
        FibAnswer a;
        a.query = query;
        a.next_hops = {
            {address(TwoLegs::odd(query.destination) ? "10.240.0.21" : "10.240.0.22"), testing::kEth0, 0, 1}};
        findings.lookups.push_back(a);
    }
    EXPECT_LE(findings.lookups.size(), 2048U);
    const auto legs = leg_targets(run.cluster.snapshot, host, facts, findings);
    ASSERT_EQ(legs.size(), 260U);
    std::size_t left_out = 0;
    for (const LegTarget& leg : legs) {
        EXPECT_NE(leg.target.has_value(), leg.unknown.find("more next hops") != std::string::npos);
        left_out += leg.target ? 0 : 1;
    }
    EXPECT_EQ(left_out, 260U - kMaxLegsOfHost);
}

// Neither in silence, nor at the cost of a smaller route behind it.
TEST(PacketProber, ARouteWithMoreNextHopsThanAreTriedSaysSoOfEach) {
    TwoLegs run;
    FibAnswer wide;
    wide.query = {address("10.200.2.1"), address("10.200.0.2"), "cnio0"};
    for (std::uint32_t i = 0; i <= kMaxLegsOfHost; ++i)
        wide.next_hops.push_back({Address::v4(0x0af10000U + i), testing::kEth0, 0, 1});
    auto& fib = *run.cluster.facts("node-0").fib;
    fib.insert(fib.begin(), wide);
    std::size_t said = 0, tried = 0;
    for (const auto* r : results(run.observe(), Purpose::next_hop)) {
        if (r->destination.host == "node-2") {
            EXPECT_NE(r->unknown.find("more next hops than the 256"), std::string::npos) << r->unknown;
            ++said;
        } else {
            EXPECT_EQ(arrivals(*r), r->sent) << r->unknown;
            ++tried;
        }
    }
    EXPECT_EQ(said, kMaxLegsOfHost + 1);
    EXPECT_EQ(tried, 2U);
}

TEST(PacketProber, ALegToAnotherLinkOfTheOwnerIsSeenThere) {
    Trial run;
    Link second;
    second.index = 9;
    second.name = "eth1";
    second.mac = "02:00:00:00:01:02";
    run.cluster.facts("node-1").links->push_back(second);
    run.cluster.facts("node-1").addresses->push_back({9, address("10.240.200.2"), 16});
    const auto listens = [&] {
        const auto& facts = run.cluster.facts("node-1");
        for (const Link* link :
             uplinks_of(run.cluster.snapshot, *run.cluster.snapshot.inventory.find("node-1"), facts))
            if (link->name == "eth1") return true;
        return false;
    };
    EXPECT_FALSE(listens());
    FibAnswer two;
    two.query = {address("10.200.1.1"), address("10.200.0.2"), "cnio0"};
    two.type = RouteType::unicast;
    two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                     {address("10.240.200.2"), testing::kEth0, 0, 1}};
    run.cluster.facts("node-0").fib->push_back(two);
    EXPECT_TRUE(listens());
}

TEST(PacketProber, ALegThatNoAddressTakesIsUnknown) {
    Trial run;
    FibAnswer two;
    two.query = {address("10.200.1.1"), address("10.200.0.2"), "cnio0"};
    two.type = RouteType::unicast;
    two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                     {address("10.240.0.99"), testing::kEth0, 0, 1}};
    run.cluster.facts("node-0").fib->push_back(two);
    run.world.lookups = [&](const HostId&, const std::vector<FibQuery>& queries) {
        FibAnswer a;
        a.query = queries.front();
        a.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1}};
        return std::vector{a};
    };
    const auto& snapshot = run.observe();
    const auto found = results(snapshot, Purpose::next_hop);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0]->unknown.empty());
    EXPECT_NE(found[1]->unknown.find("10.240.0.99"), std::string::npos);
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

TEST(PacketProber, AnAnswerToAnotherRunIsNone) {
    Trial run;
    PacketProber prober;
    run.observe();
    const auto& plan = run.world.plans.back();
    ProbePacket packet{Protocol::icmp, address("10.200.1.200"), address("10.200.0.200"), 0, 1};
    Caught caught;
    for (const auto& [host, task] : plan.tasks) {
        HostCatch c;
        for (const auto& capture : task.captures)
            c.frames.push_back({capture.ifindex, 1,
                                testing::on_wire(testing::answer_to(*craft_probe(packet, {1, 1}))),
                                capture.pod});
        caught[host] = c;
    }
    for (const auto& r : prober.read(plan, caught).probes) EXPECT_EQ(r.answered + r.arrived, 0U);
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

// Two runs ask one sshd and happen to have the same tag; a SYN has no payload that could tell them apart.
TEST(PacketProber, ASynOfAnotherRunWithTheSameTagDidNotArriveForThisOne) {
    Trial run;
    PacketProber prober;
    run.observe();
    const auto& plan = run.world.plans.back();
    const auto& script = plan.script;
    const auto flow = std::find_if(script.flows.begin(), script.flows.end(), [](const ProbeFlow& f) {
        return f.protocol == Protocol::tcp && f.destination.vantage == Vantage::node;
    });
    ASSERT_NE(flow, script.flows.end());
    const auto arrived = [&](std::uint64_t word, const Address& source) {
        const auto ip = craft_probe(
            {Protocol::tcp, source, flow->destination.address, flow->port, flow->first}, {word, script.tag});
        Caught caught;
        for (const auto& [host, task] : plan.tasks) caught[host] = HostCatch{};
        const auto& point = script.points.at(flow->destination.host).front();
        caught[flow->destination.host]->frames.push_back(
            {point.ifindex, 1, testing::to_mac(testing::on_wire(*ip), point.mac), point.pod});
        return prober.read(plan, caught)
            .probes[static_cast<std::size_t>(flow - script.flows.begin())]
            .arrived;
    };
    EXPECT_EQ(arrived(script.word, flow->source.address), 1U);
    EXPECT_EQ(arrived(script.word + 12345, flow->source.address), 0U);
    EXPECT_EQ(arrived(script.word + 12345, address("10.240.0.77")), 1U) << "rewritten, and its port with it";
}

TEST(PacketProber, AFrameThatASwitchFloodedIsSeenByNobodyElse) {
    Trial run;
    PacketProber prober;
    run.observe();
    const auto& plan = run.world.plans.back();
    const auto& flow = plan.script.flows.front();
    ASSERT_EQ(flow.destination_pod, 1U);
    const auto bytes = testing::on_wire(plan.tasks.at(flow.source.host).frames.front().bytes);
    const auto arrived = [&](const std::string& mac) {
        Caught caught;
        for (const auto& [host, task] : plan.tasks) caught[host] = HostCatch{};
        caught[flow.destination.host]->frames.push_back(
            {testing::kPodEth0, 1, testing::to_mac(bytes, mac), flow.destination_pod});
        return prober.read(plan, caught).probes.front().arrived;
    };
    EXPECT_EQ(arrived("02:00:00:00:00:01"), 1U);
    EXPECT_EQ(arrived("02:00:00:00:00:77"), 0U);
}

TEST(PacketProber, ARepeatedSynAckIsNoAnswer) {
    Trial run;
    PacketProber prober;
    run.observe();
    const auto& plan = run.world.plans.back();
    const auto& flows = plan.script.flows;
    const auto flow = std::find_if(flows.begin(), flows.end(), [](const ProbeFlow& f) {
        return f.protocol == Protocol::tcp && f.source.host == "node-0" && f.destination.host == "node-1";
    });
    ASSERT_NE(flow, flows.end());
    Caught caught;
    for (const auto& [host, task] : plan.tasks) caught[host] = HostCatch{};
    std::uint64_t sent = 1'000'000, back = 400;
    for (const Frame& frame : plan.tasks.at("node-0").frames) {
        if (testing::next_header(frame.bytes) != 6 ||
            testing::destination_of(frame.bytes) != flow->destination.address)
            continue;
        const auto mac = [](const Bytes& ip) {
            return testing::to_mac(testing::on_wire(ip), "02:00:00:00:00:01");
        };
        sent += 3'000;
        caught["node-0"]->frames.push_back(
            {testing::kPodEth0, sent, mac(frame.bytes), flow->source_pod, true});
        caught["node-1"]->frames.push_back(
            {testing::kPodEth0, sent, mac(frame.bytes), flow->destination_pod});
        caught["node-0"]->frames.push_back(
            {testing::kPodEth0, sent + back, mac(testing::answer_to(frame.bytes)), flow->source_pod});
        back += 500'000;  // the third is a second late
    }
    for (const auto& r : prober.read(plan, caught).probes) {
        if (name(r) != "pod node-0 > pod node-1 tcp") continue;
        EXPECT_EQ(r.arrived, 3U);
        EXPECT_EQ(r.answered, 2U);
        EXPECT_EQ(r.round_trips_us, (std::vector<std::uint32_t>{400, 500'400}));
    }
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
