// Captures in pods and on hosts, and packets sent from there.
#include <algorithm>
#include <cerrno>
#include <chrono>

#include "tests/lab/agent_pods.h"

namespace podroute {
namespace {

class AgentPodsPackets : public AgentPods {
  protected:
    void open(const std::vector<PodSpec>& specs) {
        agent = hello();
        pods = ask<OpenPodReply>(*agent, OpenPod{specs}).pods;
        ASSERT_EQ(pods.size(), specs.size());
    }
    // Collects until `wanted` frames are there.
    std::vector<Frame> collect(std::size_t wanted) {
        std::vector<Frame> frames;
        for (const auto until = soon(); frames.size() < wanted && std::chrono::steady_clock::now() < until;) {
            auto reply = ask<CollectReply>(*agent, Collect{500});
            EXPECT_EQ(reply.dropped, 0U);
            std::move(reply.frames.begin(), reply.frames.end(), std::back_inserter(frames));
        }
        EXPECT_EQ(frames.size(), wanted);
        return frames;
    }
    static std::uint64_t now_us() {
        return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                              std::chrono::steady_clock::now().time_since_epoch())
                                              .count());
    }
    std::uint32_t index(const std::string& link) {
        return run_json("ip -j link show " + link)[0]["ifindex"].get<std::uint32_t>();
    }
    std::unique_ptr<LocalAgentLink> agent;
    std::vector<OpenedPod> pods;
};

TEST_F(AgentPodsPackets, ThePathOfAnEchoFromAPodThroughItsHostAndBack) {
    bridge_with_a_pod();
    open({on_bridge()});
    const auto uplink = index("node"), bridge = index("cnio0");
    const auto eth0 = pods[0].pod_ifindex;
    const auto capture = [](std::uint32_t on, std::uint32_t pod) {
        return Capture{on, echoes(), 256, 1024, pod, true};
    };
    for (const auto& [from, to] :
         {std::pair{"10.200.0.201", "10.240.0.21"}, {"fd00:200::201", "fd00:240::21"}}) {
        ask<ArmReply>(*agent, Arm{{capture(eth0, 1), capture(pods[0].ifindex, 0), capture(bridge, 0),
                                   capture(uplink, 0)}});
        const auto before = now_us();
        const auto fired = ask<FireReply>(*agent, Fire{{{0, 0, echo_request(ip(from), ip(to), 7), 1}}});
        EXPECT_EQ(fired.sent, 1U);
        EXPECT_TRUE(fired.unsent.empty());
        auto frames = collect(8);
        const auto after = now_us();
        EXPECT_GE(fired.started_us, before);
        std::stable_sort(frames.begin(), frames.end(),
                         [](const Frame& a, const Frame& b) { return a.time_us < b.time_us; });
        ASSERT_EQ(frames.size(), 8U);
        struct Step {
            std::uint32_t ifindex, pod;
            bool leaving, reply;
        };
        // As each link's own namespace sees it: out of the pod is into the host.
        const std::vector<Step> way{{eth0, 1, true, false},           {pods[0].ifindex, 0, false, false},
                                    {bridge, 0, false, false},        {uplink, 0, true, false},
                                    {uplink, 0, false, true},         {bridge, 0, true, true},
                                    {pods[0].ifindex, 0, true, true}, {eth0, 1, false, true}};
        for (const auto& step : way)
            EXPECT_EQ(std::count_if(frames.begin(), frames.end(),
                                    [&](const Frame& f) {
                                        const auto echo = echo_in(f);
                                        return echo && echo->sequence == 7 && echo->reply == step.reply &&
                                               f.ifindex == step.ifindex && f.pod == step.pod &&
                                               f.leaving == step.leaving;
                                    }),
                      1)
                << step.ifindex << " " << step.leaving << " " << step.reply;
        for (const auto& f : frames) EXPECT_TRUE(f.time_us >= before && f.time_us <= after) << f.time_us;
        // One clock for all of a host: the request left before it was anywhere else, its answer came last.
        EXPECT_TRUE(frames.front().leaving && frames.front().pod == 1);
        const auto answer = std::find_if(frames.begin(), frames.end(),
                                         [](const Frame& f) { return f.pod == 1 && !f.leaving; });
        ASSERT_NE(answer, frames.end());
        EXPECT_EQ(answer->time_us, frames.back().time_us);
    }
}

TEST_F(AgentPodsPackets, WhatLeavesIsNotCaughtUnlessAsked) {
    open({without_bridge()});
    ask<ArmReply>(*agent, Arm{{{pods[0].pod_ifindex, echoes(), 256, 1024, 1, false}}});
    ask<FireReply>(*agent, Fire{{{0, 0, echo_request(ip("10.200.0.201"), ip("10.240.0.21"), 9), 1}}});
    const auto frames = collect(1);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_TRUE(echo_in(frames[0])->reply);
    EXPECT_FALSE(frames[0].leaving);
}

TEST_F(AgentPodsPackets, FromOnePodToTheOtherOfTheSameHost) {
    bridge_with_a_pod();
    for (const auto& specs :
         {std::vector{on_bridge(1), on_bridge(2)}, {without_bridge(1), without_bridge(2)}}) {
        open(specs);
        // On any link of the pod's namespace, so that this could be asked before the pod is there.
        ask<ArmReply>(*agent, Arm{{{0, echoes(), 256, 1024, 2, true}, {0, echoes(), 256, 1024, 1, false}}});
        ask<FireReply>(*agent, Fire{{{0, 0, echo_request(ip("10.200.0.201"), ip("10.200.0.202"), 1), 1},
                                     {0, 0, echo_request(ip("fd00:200::201"), ip("fd00:200::202"), 2), 1}}});
        const auto frames = collect(6);
        EXPECT_EQ(std::count_if(frames.begin(), frames.end(), [](const Frame& f) { return f.pod == 2; }), 4);
        for (const auto& f : frames) EXPECT_EQ(f.ifindex, pods[f.pod - 1].pod_ifindex);
        ask<ByeReply>(*agent, Bye{});
    }
}

TEST_F(AgentPodsPackets, FramesWithTheirEthernetHeader) {
    bridge_with_a_pod();
    open({on_bridge()});
    auto packet = echo_request(ip("10.200.0.201"), ip("10.240.0.21"), 3);
    std::vector<std::uint8_t> frame{0x02, 0, 0, 0, 0, 0x99};  // the bridge's MAC
    for (std::size_t at = 0; at < 17; at += 3)
        frame.push_back(static_cast<std::uint8_t>(std::stoul(pods[0].mac.substr(at, 2), nullptr, 16)));
    frame.insert(frame.end(), {8, 0});
    frame.insert(frame.end(), packet.begin(), packet.end());
    ask<ArmReply>(*agent, Arm{{{pods[0].pod_ifindex, echoes(), 256, 1024, 1, false}}});
    EXPECT_EQ(ask<FireReply>(*agent, Fire{{{pods[0].pod_ifindex, 0, frame, 1}}}).sent, 1U);
    EXPECT_TRUE(echo_in(collect(1).at(0))->reply);
}

TEST_F(AgentPodsPackets, AFullSizePacketPassesAndALongerOneIsNotSent) {
    open({without_bridge()});
    ask<ArmReply>(*agent, Arm{{{0, echoes(), 64, 1024, 1, false}}});
    const auto packet = [](const char* from, const char* to, std::uint16_t sequence, std::size_t size) {
        return Frame{0, 0, echo_request(ip(from), ip(to), sequence, size), 1};
    };
    const auto fired = ask<FireReply>(*agent, Fire{{packet("10.200.0.201", "10.240.0.21", 1, 1501),
                                                    packet("10.200.0.201", "10.240.0.21", 2, 1500),
                                                    packet("fd00:200::201", "fd00:240::21", 3, 1501),
                                                    packet("fd00:200::201", "fd00:240::21", 4, 1500)}});
    EXPECT_EQ(fired.sent, 2U);
    EXPECT_EQ(fired.unsent, (std::vector<Unsent>{{0, EMSGSIZE}, {2, EMSGSIZE}}));
    for (const auto& f : collect(2)) EXPECT_EQ(echo_in(f)->sequence % 2, 0);
}

TEST_F(AgentPodsPackets, WhatTheKernelWillNotTakeIsNamedFrameByFrame) {
    open({without_bridge()});
    run("nft 'table inet t { chain c { type filter hook output priority 0; ip daddr 10.240.0.21 drop; }; }'");
    run("ip route add blackhole 10.99.0.0/16");
    const auto node = ip("10.240.0.20");
    const auto fired = ask<FireReply>(*agent, Fire{{{0, 0, echo_request(node, ip("10.240.0.21"), 1)},
                                                    {0, 0, echo_request(node, ip("192.0.2.1"), 2)},
                                                    {0, 0, echo_request(node, ip("10.99.0.1"), 3)},
                                                    {0, 0, {0x45, 0}},
                                                    {0, 0, {}},
                                                    {424242, 0, std::vector<std::uint8_t>(60)},
                                                    {0, 0, echo_request(node, ip("10.240.0.20"), 4)}}});
    EXPECT_EQ(fired.sent, 1U);
    EXPECT_EQ(fired.unsent,
              (std::vector<Unsent>{
                  {0, EPERM}, {1, ENETUNREACH}, {2, EINVAL}, {3, EINVAL}, {4, EINVAL}, {5, ENXIO}}));
}

TEST_F(AgentPodsPackets, TheKernelRoutesByTheSourceOfThePacketToo) {
    run("ip rule add from 10.240.0.20 to 10.240.0.21 prohibit; ip addr add 10.240.0.29/24 dev node");
    agent = hello();
    const auto fired =
        ask<FireReply>(*agent, Fire{{{0, 0, echo_request(ip("10.240.0.20"), ip("10.240.0.21"), 1)},
                                     {0, 0, echo_request(ip("10.240.0.29"), ip("10.240.0.21"), 2)}}});
    EXPECT_EQ(fired.sent, 1U);
    EXPECT_EQ(fired.unsent, (std::vector<Unsent>{{0, EACCES}}));
}

TEST_F(AgentPodsPackets, AThousandAtOnceAndNoneIsLost) {
    bridge_with_a_pod();
    open({on_bridge()});
    std::vector<Frame> frames;
    for (std::uint16_t i = 0; i < 1000; ++i)
        frames.push_back({0, 0, echo_request(ip("10.200.0.201"), ip("10.240.0.21"), i), 1});
    ask<ArmReply>(*agent, Arm{{{pods[0].pod_ifindex, echoes(), 256, 4096, 1, true}}});
    EXPECT_EQ(ask<FireReply>(*agent, Fire{frames}).sent, 1000U);
    std::vector<int> left(1000), answered(1000);
    for (const auto& f : collect(2000)) {
        const auto echo = echo_in(f);
        ASSERT_TRUE(echo && echo->sequence < 1000);
        ++(f.leaving ? left : answered)[echo->sequence];
    }
    EXPECT_EQ(left, std::vector<int>(1000, 1));
    EXPECT_EQ(answered, std::vector<int>(1000, 1));
}

TEST_F(AgentPodsPackets, AFrameWaitsForItsTime) {
    open({without_bridge()});
    ask<ArmReply>(*agent, Arm{{{pods[0].pod_ifindex, echoes(), 256, 1024, 1, true}}});
    std::vector<Frame> frames;
    for (std::uint16_t i = 0; i < 5; ++i)
        frames.push_back({0, i * 30'000U, echo_request(ip("10.200.0.201"), ip("10.240.0.21"), i), 1});
    const auto fired = ask<FireReply>(*agent, Fire{frames});
    EXPECT_EQ(fired.sent, 5U);
    for (const auto& f : collect(10)) EXPECT_GE(f.time_us, fired.started_us + echo_in(f)->sequence * 30'000U);
}

TEST_F(AgentPodsPackets, PacingEndsWithTheController) {
    open({without_bridge()});
    Frame late{0, 30'000'000, echo_request(ip("10.200.0.201"), ip("10.240.0.21"), 1), 1};
    ASSERT_TRUE(agent->send(encode(Request{Fire{{late}}}), soon()));
    agent->close_input();
    const auto status = agent->wait(soon());
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(ending(*status), 0);
    EXPECT_FALSE(there(without_bridge()));
}

TEST_F(AgentPodsPackets, APodThatIsNotThere) {
    open({without_bridge()});
    EXPECT_EQ(ask<Refused>(*agent, Arm{{{0, echoes(), 64, 16, 2, false}}}).error.code, "no-such-pod");
    EXPECT_EQ(ask<Refused>(*agent, Fire{{{0, 0, echo_request(ip("10.200.0.201"), ip("10.240.0.21"), 1), 9}}})
                  .error.code,
              "no-such-pod");
    EXPECT_EQ(ask<Refused>(*agent, Fire{{{0, 90'000'000, {}, 1}}}).error.code, "packet-socket");
}

}  // namespace
}  // namespace podroute
