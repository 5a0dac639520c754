// FIB answers, solicitations and packets, against a kernel that answers. Everything here stays between two
// namespaces.
#include <algorithm>
#include <array>
#include <cerrno>

#include "model/collect.h"
#include "tests/lab/agent_lab.h"

namespace podroute {
namespace {

class AgentPackets : public AgentLab {
  protected:
    void SetUp() override {
        AgentLab::SetUp();
        if (HasFatalFailure()) return;
        peer = std::make_unique<Elsewhere>();
        connect_peer(*peer);
        index = run_json("ip -j link show node")[0]["ifindex"].get<std::uint32_t>();
        link = start();
        ask<HelloReply>(*link, Hello{});
    }
    std::unique_ptr<Elsewhere> peer;
    std::unique_ptr<LocalAgentLink> link;
    std::uint32_t index = 0;
};

const FibAnswer* answer_of(const HostFacts& facts, const std::string& to, const std::string& from = "",
                           const std::string& iif = "") {
    for (const auto& a : *facts.fib)
        if (a.query.destination == ip(to) && a.query.iif == iif &&
            (from.empty() ? !a.query.source.has_value() : a.query.source == ip(from)))
            return &a;
    ADD_FAILURE() << "not asked: " << to << " from " << from << " iif " << iif;
    static const FibAnswer none;
    return &none;
}

TEST_F(AgentPackets, GatherAsksTheKernelWhatTheContractSays) {
    run("ip link add cnio0 type bridge; ip link set cnio0 up; ip addr add 10.200.0.1/24 dev cnio0");
    run("ip route add 10.200.1.0/25 via 10.240.0.21; ip route add blackhole 10.200.1.128/25");
    run("echo 1 >/proc/sys/net/ipv4/ip_forward");
    const auto facts = ask<HostFacts>(*link, tutorial());
    ASSERT_TRUE(facts.fib.known());
    const auto* out = answer_of(facts, "10.200.1.1");
    EXPECT_EQ(out->error, 0);
    EXPECT_EQ(out->table, kTableMain);
    EXPECT_EQ(out->matched, net("10.200.1.0/25"));
    ASSERT_EQ(out->next_hops.size(), 1U);
    EXPECT_EQ(out->next_hops[0].gateway, ip("10.240.0.21"));
    EXPECT_EQ(out->next_hops[0].ifindex, index);
    EXPECT_EQ(answer_of(facts, "10.200.1.254")->error, EINVAL);
    EXPECT_EQ(answer_of(facts, "10.240.0.21")->error, 0);
    EXPECT_EQ(answer_of(facts, "10.200.0.2")->error, 0);
    EXPECT_EQ(answer_of(facts, "10.200.1.1", "10.200.0.2", "cnio0")->error, 0);
    EXPECT_EQ(answer_of(facts, "10.200.0.2", "10.200.1.2", "node")->error, 0);
    EXPECT_EQ(answer_of(facts, "fd00:200:0:1::1")->error, ENETUNREACH);
}

TEST_F(AgentPackets, WithoutABridgeForwardingIsAskedOfTheLoopback) {
    run("ip route add 10.200.1.0/24 via 10.240.0.21; echo 1 >/proc/sys/net/ipv4/ip_forward");
    answer_of(ask<HostFacts>(*link, tutorial()), "10.200.1.1", "10.200.0.2", "lo");
}

TEST_F(AgentPackets, LookupOfAnInterfaceThatIsNotThere) {
    const auto reply =
        ask<LookupReply>(*link, Lookup{{{ip("10.240.0.21"), ip("10.200.0.2"), "gone0", 0, 0, 0}}});
    ASSERT_EQ(reply.answers.size(), 1U);
    EXPECT_EQ(reply.answers[0].error, ENODEV);
}

TEST_F(AgentPackets, SolicitationsResolveOrFail) {
    const Solicit request{
        {{ip("10.240.0.21"), index}, {ip("10.240.0.77"), index}, {ip("fd00:240::21"), index}}, 6000};
    const auto reply = ask<SolicitReply>(*link, request);
    ASSERT_EQ(reply.neighbours.size(), 3U);
    EXPECT_EQ(reply.neighbours[0].mac, "02:00:00:00:00:21");
    EXPECT_EQ(reply.neighbours[0].state, 2);
    EXPECT_EQ(reply.neighbours[1].state, 32);
    EXPECT_EQ(reply.neighbours[2].mac, "02:00:00:00:00:21");
}

// Somebody asked when the neighbour was not there yet; the kernel would give up on it without asking again.
TEST_F(AgentPackets, AnAttemptThatBeganEarlierIsNotTheLastWord) {
    run("ip neigh add 10.240.0.77 dev node nud none; ip neigh replace 10.240.0.77 dev node use nud none");
    usleep(2'300'000);  // the third and last question goes after two seconds, the entry fails after three
    peer->run("ip addr add 10.240.0.77/24 dev peer");
    const auto reply = ask<SolicitReply>(*link, Solicit{{{ip("10.240.0.77"), index}}, 3000});
    ASSERT_EQ(reply.neighbours.size(), 1U);
    EXPECT_EQ(reply.neighbours[0].mac, "02:00:00:00:00:21") << "state " << reply.neighbours[0].state;
}

TEST_F(AgentPackets, ASolicitationThatNobodyAnswersEndsWithTheController) {
    ASSERT_TRUE(link->send(encode(Solicit{{{ip("10.240.0.77"), index}}, 10'000}), soon()));
    link->close_input();
    const auto status = link->wait(in(std::chrono::seconds(2)));
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(ending(*status), 0);
}

// Who has 10.240.0.21? Broadcast by node.
std::vector<std::uint8_t> question() {
    return {255, 255, 255, 255, 255, 255, 2,    0,  0,   0, 0,  0x20, 8, 6, 0, 1, 8, 0,  6,   4, 0,
            1,   2,   0,   0,   0,   0,   0x20, 10, 240, 0, 20, 0,    0, 0, 0, 0, 0, 10, 240, 0, 21};
}
// ldh [12]; jeq #0x806, 0, 1; ret #1000; ret #0
std::vector<BpfInstruction> arp_only() {
    return {{0x28, 0, 0, 12}, {0x15, 0, 1, 0x806}, {0x06, 0, 0, 1000}, {0x06, 0, 0, 0}};
}

TEST_F(AgentPackets, CatchesTheAnswerAndNothingOfItsOwn) {
    ask<ArmReply>(*link, Arm{{{index, arp_only(), 256, 1024}}});
    EXPECT_EQ(ask<FireReply>(*link, Fire{{{index, 0, question()}}}).sent, 1U);
    const auto caught = ask<CollectReply>(*link, Collect{3000});
    ASSERT_EQ(caught.frames.size(), 1U);
    const auto& bytes = caught.frames[0].bytes;
    ASSERT_GE(bytes.size(), 42U);
    EXPECT_EQ(caught.frames[0].ifindex, index);
    EXPECT_EQ(bytes[21], 2);     // a reply
    EXPECT_EQ(bytes[27], 0x21);  // by the peer
}

TEST_F(AgentPackets, KeepsNoMoreFramesAndBytesThanAsked) {
    ask<ArmReply>(*link, Arm{{{index, arp_only(), 20, 2}}});
    std::vector<Frame> frames(5, {index, 0, question()});
    EXPECT_EQ(ask<FireReply>(*link, Fire{frames}).sent, 5U);
    std::size_t kept = 0;
    std::uint32_t dropped = 0;
    for (int i = 0; i < 20 && kept + dropped < 5; ++i) {
        const auto caught = ask<CollectReply>(*link, Collect{200});
        for (const auto& f : caught.frames) EXPECT_EQ(f.bytes.size(), 20U);
        kept += caught.frames.size();
        dropped += caught.dropped;
    }
    EXPECT_EQ(kept, 2U);
    EXPECT_EQ(dropped, 3U);
}

// One reply holds so many bytes and no more; the rest stays with the kernel, and none of it is lost.
TEST_F(AgentPackets, WhatOneReplyHasNoRoomForComesWithTheNext) {
    auto padded = question();
    padded.resize(1000);
    ask<ArmReply>(*link, Arm{{{index, arp_only(), 1000, 65'536, 0, true}, {index, arp_only(), 20, 4}}});
    constexpr std::size_t kSent = 18'000;
    EXPECT_EQ(ask<FireReply>(*link, Fire{std::vector<Frame>(kSent, {index, 0, padded})}).sent, kSent);
    const auto leaving = [](const CollectReply& caught) {
        return std::count_if(caught.frames.begin(), caught.frames.end(),
                             [](const Frame& f) { return f.leaving; });
    };
    const auto first = ask<CollectReply>(*link, Collect{3000});
    std::size_t bytes = 0;
    for (const auto& f : first.frames) bytes += f.bytes.size();
    EXPECT_TRUE(collect_is_full(first.frames.size(), bytes));
    EXPECT_LT(bytes, kFullCollectBytes + 1000);
    EXPECT_NE(std::count_if(first.frames.begin(), first.frames.end(),
                            [](const Frame& f) { return f.bytes.size() == 20; }),
              0)
        << "the busy capture left the other its turn";
    const auto second = ask<CollectReply>(*link, Collect{3000});
    EXPECT_EQ(leaving(first) + leaving(second), static_cast<long>(kSent));
}

TEST_F(AgentPackets, GatherWithAHundredPeersIsQuick) {
    Gather request;
    std::string batch = "(";
    for (int i = 0; i < 101; ++i) {
        request.nodes.push_back(ip("10.240.0." + std::to_string(20 + i)));
        request.pod_cidrs.push_back(net("10.200." + std::to_string(i) + ".0/24"));
        if (i != 0)
            batch += "echo route add 10.200." + std::to_string(i) + ".0/24 via 10.240.0." +
                     std::to_string(20 + i) + ";";
    }
    request.own = {request.pod_cidrs.front()};
    run(batch + ") | ip -batch -");
    auto best = std::chrono::microseconds::max();
    for (int i = 0; i < 5; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const auto facts = ask<HostFacts>(*link, request);
        best = std::min(best, std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::steady_clock::now() - began));
        EXPECT_GE(facts.fib->size(), 500U);
    }
    RecordProperty("best_us", static_cast<int>(best.count()));
    EXPECT_LT(best, std::chrono::milliseconds(500));  // a sanitized agent on a busy machine included
}

}  // namespace
}  // namespace podroute
