// A host that may hold pods, with and without a pod bridge, and a peer that has routes to its pods.
//
//   the peer, a namespace of its own       this process, namespace of the test         pods of the agent
//     10.240.0.21, fd00:240::21 ── veth ── node 10.240.0.20, fd00:240::20
//                                          cnio0 10.200.0.1/24, fd00:200::1/64 ─────── 10.200.0.2xx,
//                                          fd00:200::2xx
//                                            └── a pod of its own: 10.200.0.2, fd00:200::2
#pragma once

#include <map>
#include <optional>

#include "tests/lab/agent_lab.h"

namespace podroute {

class AgentPods : public AgentLab {
  protected:
    void SetUp() override;

    // cnio0 with its addresses; `mac` empty leaves it to the kernel. Without a port.
    void make_bridge(const std::string& mac = "02:00:00:00:00:99");
    // The pod that is there already, on cnio0; waits until both carry packets.
    void make_real_pod();
    void bridge_with_a_pod() {
        make_bridge();
        make_real_pod();
    }

    std::unique_ptr<LocalAgentLink> hello(const Hello& words = {});
    // Links, addresses, routes, rules, permanent neighbours, sysctls, nft: all a pod could leave.
    std::string state();
    // Waits until the state is as it was.
    void expect_state(const std::string& before, const std::string& after_what);
    // The link of a pod is there.
    static bool there(const PodSpec& spec);

    std::unique_ptr<Elsewhere> peer, real_pod;
};

// Pod `number` with 10.200.0.(200 + number) and fd00:200::(200 + number); on cnio0 or point to point.
PodSpec on_bridge(std::uint32_t number = 1);
PodSpec without_bridge(std::uint32_t number = 1);
PodSpec only(PodSpec spec, Family family);

// IP packet, ICMP or ICMPv6 echo request, `size` bytes in all, with DF, TTL 64.
std::vector<std::uint8_t> echo_request(const Address& from, const Address& to, std::uint16_t sequence,
                                       std::size_t size = 64);
// Ethernet frames with ICMP or ICMPv6 echo requests and replies.
std::vector<BpfInstruction> echoes();
// The sequence of an echo in an Ethernet frame, and whether it is a reply; nothing if it is none.
struct Echo {
    bool reply = false;
    std::uint16_t sequence = 0;
    Address from;
};
std::optional<Echo> echo_in(const Frame& frame);

}  // namespace podroute
