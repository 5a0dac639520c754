// Pods that are refused: why, which address, and that nothing of them is there.
#include <set>
#include <thread>

#include "agent/address_probe.h"
#include "model/taken_addresses.h"
#include "tests/lab/agent_pods.h"

namespace podroute {
namespace {

class AgentPodsRefused : public AgentPods {
  protected:
    // The refusal of `pods`, of which nothing is left; the agent goes on.
    Error refusal(const std::vector<PodSpec>& pods) {
        const auto before = state();
        auto agent = hello();
        const auto error = ask<Refused>(*agent, OpenPod{pods}).error;
        EXPECT_EQ(error.code, "pod-unavailable");
        EXPECT_NE(error.text, "");
        EXPECT_EQ(state(), before) << error.text;
        ask<PingReply>(*agent, Ping{});
        return error;
    }
    static PodSpec with(PodSpec spec, const std::string& address) {
        const auto a = ip(address);
        spec = only(std::move(spec), a.family());
        spec.addresses = {a};
        return spec;
    }
};

TEST_F(AgentPodsRefused, AnAddressThatAnotherAnswersFor) {
    bridge_with_a_pod();
    for (const auto* address : {"10.200.0.2", "fd00:200::2"}) {
        const auto error = refusal({on_bridge(1), with(on_bridge(2), address)});
        EXPECT_EQ(error.where, address) << error.text;
        EXPECT_NE(error.text.find("answers"), std::string::npos) << error.text;
        EXPECT_EQ(real_pod->run("ip neigh show nud reachable").find("0.0.0.0"), std::string::npos);
    }
}

// All of them at once, so that none is asked for again.
TEST_F(AgentPodsRefused, AddressesThatAnotherAnswersFor) {
    bridge_with_a_pod();
    real_pod->run("ip addr add 10.200.0.3/24 dev eth0");
    run("ip neigh replace 10.200.0.3 lladdr 02:00:00:00:00:99 nud stale dev cnio0");
    const auto error = refusal({with(on_bridge(1), "10.200.0.2"), with(on_bridge(2), "10.200.0.3")});
    const auto taken = taken_addresses(error);
    EXPECT_EQ(std::set<Address>(taken.begin(), taken.end()),
              (std::set<Address>{ip("10.200.0.2"), ip("10.200.0.3")}));
    EXPECT_NE(run("ip neigh show to 10.200.0.3 dev cnio0").find("02:00:00:00:00:99"), std::string::npos)
        << "what the host knows of others is left alone";
}

TEST_F(AgentPodsRefused, AnAddressThatTheBridgeHasAPermanentEntryFor) {
    bridge_with_a_pod();
    for (const auto* address : {"10.200.0.201", "10.200.0.202"})
        run(std::string("ip neigh add ") + address + " lladdr 02:00:00:00:00:99 nud permanent dev cnio0");
    const auto error = refusal({with(on_bridge(1), "10.200.0.202")});
    EXPECT_NE(error.text.find("permanent"), std::string::npos) << error.text;
    EXPECT_EQ(taken_addresses(error), (std::vector{ip("10.200.0.202"), ip("10.200.0.201")}));
    EXPECT_NE(run("ip neigh show to 10.200.0.202 dev cnio0").find("02:00:00:00:00:99"), std::string::npos);
}

TEST_F(AgentPodsRefused, AnAddressOfASyntheticPodOfAnotherRun) {
    bridge_with_a_pod();
    auto other = hello();
    ask<OpenPodReply>(*other, OpenPod{{on_bridge(1)}});
    auto same = on_bridge(1);
    same.link = "vethother";
    EXPECT_EQ(refusal({same}).where, "10.200.0.201");
    ask<ByeReply>(*other, Bye{});
    run("ip link del cnio0");
    other = hello();
    ask<OpenPodReply>(*other, OpenPod{{without_bridge(1)}});
    auto alone = without_bridge(1);
    alone.link = "vethother";
    EXPECT_EQ(refusal({alone}).where, "10.200.0.201");
}

// At the same moment neither hears of the other: one of them gets it all the same.
TEST_F(AgentPodsRefused, AnAddressThatTwoRunsAskForAtOnce) {
    bridge_with_a_pod();
    for (int i = 0; i < 5; ++i) {
        auto one = hello(), two = hello();
        auto first = on_bridge(1), second = on_bridge(1);
        second.link = "vethother";
        tl::expected<Reply, Error> of_one, of_two;
        std::thread other([&] { of_two = two->call(OpenPod{{second}}, soon()); });
        of_one = one->call(OpenPod{{first}}, soon());
        other.join();
        ASSERT_TRUE(of_one && of_two);
        const auto* refused =
            std::get_if<Refused>(std::holds_alternative<Refused>(*of_one) ? &*of_one : &*of_two);
        EXPECT_NE(std::holds_alternative<OpenPodReply>(*of_one),
                  std::holds_alternative<OpenPodReply>(*of_two));
        ASSERT_NE(refused, nullptr);
        EXPECT_EQ(refused->error.where, "10.200.0.201") << refused->error.text;
        ask<ByeReply>(*one, Bye{});
        ask<ByeReply>(*two, Bye{});
    }
}

TEST_F(AgentPodsRefused, AnAddressThatTheHostCarriesOrRoutesElsewhere) {
    bridge_with_a_pod();
    run("ip addr add 10.200.0.210/32 dev lo; ip route add 10.200.0.211 via 10.240.0.21; "
        "ip route add 10.200.0.128/26 via 10.240.0.21; ip route add fd00:200::211 via fd00:240::21");
    for (const auto* address : {"10.200.0.1", "10.200.0.210", "10.200.0.211", "10.200.0.130", "10.200.0.255",
                                "fd00:200::1", "fd00:200::211"})
        EXPECT_EQ(refusal({with(on_bridge(), address)}).where, address);
    EXPECT_EQ(refusal({with(without_bridge(), "10.240.0.20")}).where, "10.240.0.20");
}

TEST_F(AgentPodsRefused, AnAddressThatIpamHasGivenAway) {
    bridge_with_a_pod();
    run("mount -t tmpfs none /var/lib && mkdir -p /var/lib/cni/networks/bridge && touch "
        "/var/lib/cni/networks/bridge/10.200.0.201");
    const auto error = refusal({on_bridge()});
    run("umount /var/lib");
    EXPECT_EQ(error.where, "10.200.0.201");
    EXPECT_NE(error.text.find("/var/lib/cni/networks/bridge"), std::string::npos) << error.text;
}

// Nobody was heard, because nobody could be.
TEST_F(AgentPodsRefused, AnAddressThatWasAskedForOnABridgeThatWentDown) {
    bridge_with_a_pod();
    auto netlink = agent::Netlink::open(NETLINK_ROUTE);
    ASSERT_TRUE(netlink);
    const auto bridge = agent::interface_named(*netlink, "cnio0");
    ASSERT_TRUE(bridge);
    auto probe = agent::AddressProbe::ask({ip("10.200.0.201")}, *bridge);
    ASSERT_TRUE(probe) << probe.error().text;
    run("ip link set cnio0 down");
    const auto free = probe->not_answered();
    ASSERT_FALSE(free);
    EXPECT_EQ(free.error().text, "no answers could be heard on cnio0: Network is down");
    EXPECT_EQ(free.error().where, "") << "another address would not help";
}

TEST_F(AgentPodsRefused, ANameThatIsTaken) {
    bridge_with_a_pod();
    auto spec = on_bridge();
    spec.link = "vethreal";
    const auto error = refusal({on_bridge(2), spec});
    EXPECT_EQ(error.where, "") << "another address would not help";
    EXPECT_NE(error.text.find("vethreal"), std::string::npos) << error.text;
}

TEST_F(AgentPodsRefused, WhatIsNoPod) {
    bridge_with_a_pod();
    std::vector<PodSpec> bad(11, on_bridge());
    bad[0].number = 0;
    bad[1].addresses.clear();
    bad[2].addresses = {ip("10.200.0.201"), ip("10.200.0.202")};
    bad[3].link = "eth7";
    bad[4].link = "veth-much-too-long-a-name";
    bad[5].bridge = "none0";
    bad[6].bridge = "node";
    bad[7].networks.pop_back();
    bad[8].networks[0] = net("10.201.0.0/24");
    bad[9].mtu = 70'000;
    bad[10].link = "veth/../x";
    for (const auto& spec : bad) refusal({spec});
    refusal({on_bridge(1), on_bridge(1)});
    refusal(std::vector<PodSpec>(40, on_bridge()));
}

TEST_F(AgentPodsRefused, WithoutPrivilege) {
    auto agent = start({{}, 65534});
    ask<HelloReply>(*agent, Hello{});
    EXPECT_EQ(ask<Refused>(*agent, OpenPod{{without_bridge()}}).error.code, "pod-unavailable");
}

}  // namespace
}  // namespace podroute
