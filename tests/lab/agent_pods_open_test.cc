// Pods that open: what is answered, and that the first packet passes.
#include "tests/lab/agent_pods.h"

namespace podroute {
namespace {

class AgentPodsOpen : public AgentPods {
  protected:
    static void ping(const PodSpec& spec, const Elsewhere* from = nullptr) {
        for (const auto& a : spec.addresses) {
            const auto command = "ping -n -c 1 -W 5 " + a.to_string();
            const auto out = from == nullptr ? run(command) : from->run(command);
            EXPECT_NE(out.find(" 0% packet loss"), std::string::npos) << out;
        }
    }
    // Opens one, sends it its first packet, ends; many times.
    void first_packets(const PodSpec& spec, const Elsewhere* from) {
        for (int i = 0; i < 10; ++i) {
            auto agent = hello();
            ask<OpenPodReply>(*agent, OpenPod{{spec}});
            ping(spec, from);
            ask<ByeReply>(*agent, Bye{});
            if (HasFailure()) return;
        }
    }
};

TEST_F(AgentPodsOpen, OnTheBridge) {
    bridge_with_a_pod();
    const auto before = state();
    auto agent = hello();
    const auto spec = on_bridge();
    const auto reply = ask<OpenPodReply>(*agent, OpenPod{{spec}});
    ASSERT_EQ(reply.pods.size(), 1U);
    const auto& pod = reply.pods[0];
    const auto link = run_json("ip -j link show " + spec.link)[0];
    EXPECT_EQ(pod.number, 1U);
    EXPECT_EQ(pod.ifindex, link["ifindex"].get<std::uint32_t>());
    EXPECT_EQ(link["master"], "cnio0");
    EXPECT_EQ(link["address"].get<std::string>().substr(0, 8), "fe:ff:ff");
    EXPECT_EQ(pod.bridge, "cnio0");
    EXPECT_EQ(pod.gateway_mac, "02:00:00:00:00:99");
    EXPECT_EQ(pod.mac.substr(0, 2), "02");
    EXPECT_EQ(pod.mtu, 1500U);
    EXPECT_NE(pod.pod_ifindex, 0U);
    ping(spec);
    ping(spec, peer.get());
    ping(spec, real_pod.get());
    ask<ByeReply>(*agent, Bye{});
    // At once, and the neighbours that are like learned ones too.
    EXPECT_EQ(state(), before);
    for (const auto& a : spec.addresses)
        EXPECT_EQ(run("ip neigh show to " + a.to_string()).find("cnio0"), std::string::npos);
}

TEST_F(AgentPodsOpen, PointToPointWhereThereIsNoBridge) {
    const auto before = state();
    auto agent = hello();
    auto spec = without_bridge();
    run("ip link set node mtu 1400");
    const auto pod = ask<OpenPodReply>(*agent, OpenPod{{spec}}).pods.at(0);
    EXPECT_EQ(pod.bridge, "");
    EXPECT_EQ(pod.mtu, 1400U) << "as the uplink";
    EXPECT_EQ(pod.gateway_mac, run_json("ip -j link show " + spec.link)[0]["address"].get<std::string>());
    EXPECT_NE(run("ip route show 10.200.0.201").find("dev " + spec.link + " scope link"), std::string::npos);
    run("ip link set node mtu 1500");
    ping(spec);
    ping(spec, peer.get());
    ask<ByeReply>(*agent, Bye{});
    EXPECT_EQ(state(), before);
}

TEST_F(AgentPodsOpen, TheFirstPacketOfFortyIsNotLost) {
    bridge_with_a_pod();
    for (const auto family : {Family::v4, Family::v6}) {
        first_packets(only(on_bridge(), family), nullptr);
        first_packets(only(on_bridge(), family), peer.get());
    }
}

TEST_F(AgentPodsOpen, TheFirstPacketOfFortyIsNotLostPointToPoint) {
    for (const auto family : {Family::v4, Family::v6}) {
        first_packets(only(without_bridge(), family), nullptr);
        first_packets(only(without_bridge(), family), peer.get());
    }
}

TEST_F(AgentPodsOpen, UnderStrictFiltersAndTightArp) {
    run("for i in all default node; do echo 1 >/proc/sys/net/ipv4/conf/$i/rp_filter; done; "
        "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce");
    auto agent = hello();
    ask<OpenPodReply>(*agent, OpenPod{{without_bridge()}});
    ping(without_bridge());
    ping(without_bridge(), peer.get());
}

TEST_F(AgentPodsOpen, ThePodsEndMayHaveASmallerMtuThanTheBridge) {
    bridge_with_a_pod();
    const auto before = state();
    auto spec = on_bridge();
    spec.mtu = 1400;
    auto agent = hello();
    EXPECT_EQ(ask<OpenPodReply>(*agent, OpenPod{{spec}}).pods.at(0).mtu, 1400U);
    EXPECT_EQ(run_json("ip -j link show cnio0")[0]["mtu"], 1500) << "the bridge keeps its own";
    ask<ByeReply>(*agent, Bye{});
    EXPECT_EQ(state(), before);
}

TEST_F(AgentPodsOpen, TwoAgentsAtOnce) {
    bridge_with_a_pod();
    const auto before = state();
    auto one = hello(), two = hello();
    ASSERT_TRUE(one->send(encode(Request{OpenPod{{on_bridge(1), on_bridge(2)}}}), soon()));
    ASSERT_TRUE(two->send(encode(Request{OpenPod{{on_bridge(3), on_bridge(4)}}}), soon()));
    for (auto* agent : {one.get(), two.get()}) {
        const auto reply = agent->receive(soon());
        ASSERT_TRUE(reply) << reply.error().text;
        ASSERT_TRUE(std::holds_alternative<OpenPodReply>(*reply));
    }
    for (std::uint32_t i = 1; i <= 4; ++i) ping(on_bridge(i), peer.get());
    ask<ByeReply>(*one, Bye{});
    EXPECT_FALSE(there(on_bridge(1)));
    for (std::uint32_t i = 3; i <= 4; ++i) ping(on_bridge(i), peer.get());
    ask<ByeReply>(*two, Bye{});
    EXPECT_EQ(state(), before);
}

}  // namespace
}  // namespace podroute
