// What is an answer, an objection or neither.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/probes_trial.h"

namespace podroute {
namespace {

using namespace testing;

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

// What is read when the SYN-ACKs to the three probes of a pair take so long, and 400 us the echoes of the
// pair, or those alone of the pair the other way.
ProbeResult with_syn_acks_after(const std::vector<std::uint64_t>& round_trips_us, bool other_way = false) {
    Trial run;
    PacketProber prober;
    run.observe();
    const auto& plan = run.world.plans.back();
    const auto pod = [&](const HostId& host) { return plan.script.points.at(host).front().pod; };
    const auto at_pod = [](const Bytes& ip) {
        return testing::to_mac(testing::on_wire(ip), "02:00:00:00:00:01");
    };
    Caught caught;
    for (const auto& [host, task] : plan.tasks) caught[host] = HostCatch{};
    std::uint64_t sent = 1'000'000;
    std::size_t syns = 0;
    const auto answered = [&](const Frame& frame, const HostId& from, const HostId& to, std::uint64_t took) {
        sent += 3'000;
        caught[from]->frames.push_back({testing::kPodEth0, sent, at_pod(frame.bytes), pod(from), true});
        caught[to]->frames.push_back({testing::kPodEth0, sent, at_pod(frame.bytes), pod(to)});
        caught[from]->frames.push_back(
            {testing::kPodEth0, sent + took, at_pod(testing::answer_to(frame.bytes)), pod(from)});
    };
    const auto tcp = [](const Frame& frame) { return testing::next_header(frame.bytes) == 6; };
    for (const Frame& frame : plan.tasks.at("node-0").frames) {
        if (!goes(frame.bytes, "10.200.0.0/24", "10.200.1.0/24")) continue;
        if (tcp(frame))
            answered(frame, "node-0", "node-1", round_trips_us.at(syns++));
        else if (!other_way)
            answered(frame, "node-0", "node-1", 400);
    }
    for (const Frame& frame : plan.tasks.at("node-1").frames)
        if (other_way && !tcp(frame) && goes(frame.bytes, "10.200.1.0/24", "10.200.0.0/24"))
            answered(frame, "node-1", "node-0", 400);
    for (const auto& r : prober.read(plan, caught).probes)
        if (name(r) == "pod node-0 > pod node-1 tcp") return r;
    ADD_FAILURE() << "no such pair";
    return {};
}

// A SYN-ACK that was lost is sent once more, a second later: neither an answer nor a slow network.
TEST(PacketProber, ARepeatedSynAckIsNoAnswer) {
    const auto one = with_syn_acks_after({400, 500'400, 1'000'400});
    EXPECT_EQ(one.arrived, 3U);
    EXPECT_EQ(one.answered, 2U);
    EXPECT_EQ(one.round_trips_us, (std::vector<std::uint32_t>{400, 500'400}));
    // Where all of them are, the echoes of the pair tell.
    const auto all = with_syn_acks_after({1'000'400, 1'000'500, 1'000'600});
    EXPECT_EQ(all.arrived, 3U);
    EXPECT_EQ(all.answered, 0U);
    EXPECT_TRUE(all.round_trips_us.empty());
    // Where the echoes of the pair are lost, those of the pair the other way do.
    EXPECT_EQ(with_syn_acks_after({1'000'400, 1'000'500, 1'000'600}, true).answered, 0U);
}

}  // namespace
}  // namespace podroute
