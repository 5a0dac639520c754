// A bridge is after a pod what it was before, and while it is there keeps its MAC.
#include <unistd.h>

#include "tests/lab/agent_pods.h"

namespace podroute {
namespace {

class AgentPodsBridge : public AgentPods {
  protected:
    static std::string mac() {
        return run("cat /sys/class/net/cnio0/address /sys/class/net/cnio0/addr_assign_type");
    }
    // Opens a pod and ends it. The bridge it joined, "" for none.
    std::string come_and_go() {
        const auto before = state(), own = mac();
        auto agent = hello();
        const auto reply = ask<OpenPodReply>(*agent, OpenPod{{on_bridge()}});
        if (reply.pods.empty()) return "not opened";
        EXPECT_EQ(mac(), own) << "while it is there";
        EXPECT_NE(run("ping -n -c 1 -W 5 10.200.0.201").find(" 0% packet loss"), std::string::npos);
        EXPECT_NE(run("ping -n -c 1 -W 5 fd00:200::201").find(" 0% packet loss"), std::string::npos);
        EXPECT_NE(peer->run("ping -n -c 1 -W 5 10.200.0.201").find(" 0% packet loss"), std::string::npos);
        ask<ByeReply>(*agent, Bye{});
        expect_state(before, "after the pod");
        EXPECT_EQ(mac(), own) << "after the pod";
        return reply.pods[0].bridge;
    }
};

TEST_F(AgentPodsBridge, PinnedWithAPort) {
    bridge_with_a_pod();
    EXPECT_EQ(come_and_go(), "cnio0");
}

TEST_F(AgentPodsBridge, PinnedWhosePodsHaveGone) {
    bridge_with_a_pod();
    run("ip link del vethreal");
    for (int i = 0; i < 200 && run("cat /sys/class/net/cnio0/carrier") != "0\n"; ++i) usleep(10'000);
    EXPECT_EQ(come_and_go(), "cnio0") << "it has had carrier, and gets nothing new by having it again";
}

TEST_F(AgentPodsBridge, PinnedThatNeverHadAPortIsNotJoined) {
    make_bridge();
    EXPECT_EQ(come_and_go(), "") << "it would keep a link-local address";
}

TEST_F(AgentPodsBridge, NotPinnedWithAPort) {
    make_bridge("");
    make_real_pod();
    EXPECT_EQ(come_and_go(), "cnio0");
}

TEST_F(AgentPodsBridge, NotPinnedAndEmptyIsNotJoined) {
    make_bridge("");
    EXPECT_EQ(come_and_go(), "") << "its MAC would become the pod's, and then zeros";
}

TEST_F(AgentPodsBridge, NotPinnedWhosePodsHaveGoneIsNotJoined) {
    make_bridge("");
    make_real_pod();
    run("ip link del vethreal");
    for (int i = 0; i < 200 && run("cat /sys/class/net/cnio0/carrier") != "0\n"; ++i) usleep(10'000);
    EXPECT_EQ(come_and_go(), "");
}

TEST_F(AgentPodsBridge, WithSpanningTreeIsNotJoined) {
    bridge_with_a_pod();
    run("ip link set cnio0 type bridge stp_state 1");
    EXPECT_EQ(come_and_go(), "");
}

TEST_F(AgentPodsBridge, SomeOtherName) {
    bridge_with_a_pod();
    run("ip link set cnio0 name docker7");
    auto spec = on_bridge();
    spec.bridge = "docker7";
    auto agent = hello();
    EXPECT_EQ(ask<OpenPodReply>(*agent, OpenPod{{spec}}).pods.at(0).bridge, "docker7");
}

}  // namespace
}  // namespace podroute
