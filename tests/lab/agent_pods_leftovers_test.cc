// Nothing stays, however and whenever the agent ends.
#include <signal.h>
#include <unistd.h>

#include "tests/lab/agent_pods.h"

namespace podroute {
namespace {

class AgentPodsLeftovers : public AgentPods, public testing::WithParamInterface<bool> {
  protected:
    void SetUp() override {
        AgentPods::SetUp();
        if (HasFatalFailure()) return;
        if (GetParam()) bridge_with_a_pod();
        before = state();
    }
    static OpenPod two_pods() {
        return GetParam() ? OpenPod{{on_bridge(1), on_bridge(2)}}
                          : OpenPod{{without_bridge(1), without_bridge(2)}};
    }
    void expect_nothing(const std::string& after_what) {
        expect_state(before, after_what);
        EXPECT_FALSE(there(on_bridge(1)) || there(on_bridge(2))) << after_what;
    }
    std::string before;
};

TEST_P(AgentPodsLeftovers, AfterTheEndOfItsInput) {
    auto agent = hello();
    ask<OpenPodReply>(*agent, two_pods());
    EXPECT_TRUE(there(on_bridge(1)) && there(on_bridge(2)));
    agent->close_input();
    const auto status = agent->wait(soon());
    ASSERT_TRUE(status);
    EXPECT_EQ(ending(*status), 0) << agent->standard_error();
    EXPECT_EQ(state(), before);
}

TEST_P(AgentPodsLeftovers, AfterASignal) {
    for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGKILL}) {
        auto agent = hello();
        ask<OpenPodReply>(*agent, two_pods());
        kill(agent->pid(), signal);
        ASSERT_TRUE(agent->wait(soon()));
        expect_nothing("signal " + std::to_string(signal));
    }
}

TEST_P(AgentPodsLeftovers, AfterAKillAtAnyPointOfOpening) {
    // From before it has read the request until after it has answered.
    for (useconds_t delay = 0; delay < 60'000; delay += delay < 4000 ? 250 : delay < 20'000 ? 4000 : 2500) {
        auto agent = hello();
        ASSERT_TRUE(agent->send(encode(Request{two_pods()}), soon()));
        usleep(delay);
        kill(agent->pid(), SIGKILL);
        ASSERT_TRUE(agent->wait(soon()));
        expect_nothing("kill after " + std::to_string(delay) + " us");
        if (HasFailure()) return;
    }
}

TEST_P(AgentPodsLeftovers, AfterItsDeadline) {
    auto agent = hello({1, "", 1000, 15'000});
    ask<OpenPodReply>(*agent, two_pods());
    ASSERT_TRUE(agent->wait(soon()));
    expect_nothing("deadline");
}

TEST_P(AgentPodsLeftovers, WhenTheControllerFallsSilent) {
    auto agent = hello({1, "", 60'000, 300});
    ask<OpenPodReply>(*agent, two_pods());
    const auto status = agent->wait(soon());
    ASSERT_TRUE(status);
    EXPECT_EQ(ending(*status), 0);
    EXPECT_EQ(state(), before);
}

TEST_P(AgentPodsLeftovers, AnAddressIsFreeAgainAfterAKill) {
    for (int i = 0; i < 3; ++i) {
        auto agent = hello();
        ask<OpenPodReply>(*agent, two_pods());
        const auto out = peer->run("ping -n -c 1 -W 5 10.200.0.201");
        EXPECT_NE(out.find(" 0% packet loss"), std::string::npos) << out;
        kill(agent->pid(), SIGKILL);
        ASSERT_TRUE(agent->wait(soon()));
        expect_nothing("kill");
    }
}

INSTANTIATE_TEST_SUITE_P(Variants, AgentPodsLeftovers, testing::Bool(),
                         [](const auto& variant) { return variant.param ? "Bridge" : "PointToPoint"; });

}  // namespace
}  // namespace podroute
