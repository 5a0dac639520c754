// Listeners in pods and on the host, asked by the peer.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>

#include "tests/lab/agent_pods.h"

namespace podroute {
namespace {

constexpr std::uint16_t kPort = 18080;
const std::string kReset = std::strerror(ECONNRESET);

// A socket of the peer's namespace, used from here, and connected.
class Client {
  public:
    Client(const Elsewhere& where, int type, const std::string& address, std::uint16_t port) {
        const int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        const int there =
            open(("/proc/" + std::to_string(where.pid()) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
        EXPECT_EQ(setns(there, CLONE_NEWNET), 0);
        const bool v4 = ip(address).is_v4();
        fd_ = socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
        if (setns(home, CLONE_NEWNET) != 0) std::abort();
        close(home), close(there);
        timeval patience{10, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        sockaddr_in in{};
        sockaddr_in6 in6{};
        in.sin_family = AF_INET, in6.sin6_family = AF_INET6;
        in.sin_port = in6.sin6_port = htons(port);
        inet_pton(v4 ? AF_INET : AF_INET6, address.c_str(),
                  v4 ? static_cast<void*>(&in.sin_addr) : static_cast<void*>(&in6.sin6_addr));
        error_ = connect(fd_, v4 ? reinterpret_cast<sockaddr*>(&in) : reinterpret_cast<sockaddr*>(&in6),
                         v4 ? sizeof in : sizeof in6) == 0
                     ? 0
                     : errno;
    }
    ~Client() { close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    int error() const { return error_; }
    void send(const std::string& text) const {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    std::string receive() const {
        std::array<char, 4096> bytes{};
        const ssize_t n = recv(fd_, bytes.data(), bytes.size(), 0);
        return n < 0 ? std::strerror(errno) : std::string(bytes.data(), static_cast<std::size_t>(n));
    }
    void shut() const { shutdown(fd_, SHUT_WR); }

  private:
    int fd_ = -1, error_ = 0;
};

class AgentPodsListeners : public AgentPods {
  protected:
    void open() {
        bridge_with_a_pod();
        agent = hello();
        ask<OpenPodReply>(*agent, OpenPod{{on_bridge()}});
    }
    static std::vector<Listener> everywhere() {
        std::vector<Listener> out;
        for (const auto protocol : {Protocol::tcp, Protocol::udp})
            for (const auto& [pod, address] : places()) out.push_back({pod, protocol, ip(address), kPort});
        return out;
    }
    static std::vector<std::pair<std::uint32_t, std::string>> places() {
        return {{1, "10.200.0.201"}, {1, "fd00:200::201"}, {0, "10.240.0.20"}, {0, "fd00:240::20"}};
    }
    std::unique_ptr<LocalAgentLink> agent;
};

TEST_F(AgentPodsListeners, TcpCompletesHandshakesAndUdpEchoes) {
    open();
    ask<ArmReply>(*agent, Arm{{}, everywhere()});
    for (const auto& [pod, address] : places()) {
        const Client tcp(*peer, SOCK_STREAM, address, kPort);
        EXPECT_EQ(tcp.error(), 0) << address;
        tcp.send("hello");
        tcp.shut();
        EXPECT_EQ(tcp.receive(), kReset) << address;
        const Client udp(*peer, SOCK_DGRAM, address, kPort);
        for (const auto& text : {std::string("nonce"), std::string(1400, 'x'), std::string()}) {
            udp.send(text);
            EXPECT_EQ(udp.receive(), text) << address;
        }
    }
    EXPECT_EQ(run("ss -Htan state connected"), "");
}

// Whoever closes first, however the agent ends: a connection of the host's own leaves the host nothing.
TEST_F(AgentPodsListeners, LeaveTheHostNoConnectionInAnyState) {
    open();
    for (const auto& end : std::vector<std::function<void()>>{
             [&] { ask<ArmReply>(*agent, Arm{}); },
             [&] {
                 ask<ByeReply>(*agent, Bye{});
                 ASSERT_TRUE(agent->wait(soon()));
             },
             [&] {
                 kill(agent->pid(), SIGKILL);
                 ASSERT_TRUE(agent->wait(soon()));
             },
         }) {
        agent = hello();
        ask<ArmReply>(*agent, Arm{{}, {{0, Protocol::tcp, ip("10.240.0.20"), kPort}}});
        std::vector<std::unique_ptr<Client>> clients;
        for (int i = 0; i < 300; ++i)
            clients.push_back(std::make_unique<Client>(*peer, SOCK_STREAM, "10.240.0.20", kPort));
        clients.back()->send("read by nobody");
        ask<PingReply>(*agent, Ping{});
        EXPECT_EQ(clients.front()->receive(), kReset) << "made room for those that came later";
        // The peer falls silent: what it is told it does not acknowledge.
        peer->run(
            "nft 'table inet silent { chain c { type filter hook prerouting priority -500; drop; }; }'");
        end();
        EXPECT_EQ(run("ss -Htan state connected"), "");
        peer->run("nft delete table inet silent");
    }
}

TEST_F(AgentPodsListeners, AnEchoIsAsLargeAsItsQuestionAndIsNotFragmented) {
    open();
    ask<ArmReply>(*agent, Arm{{}, everywhere()});
    peer->run(
        "nft 'table inet t { chain c { type filter hook prerouting priority -500; ip frag-off & 0x3fff != 0 "
        "drop; exthdr frag exists drop; ip frag-off & 0x4000 == 0 ip protocol udp drop; }; }'");
    for (const auto& [address, size] : {std::pair{"10.200.0.201", 1472U}, {"fd00:200::201", 1452U}}) {
        const Client udp(*peer, SOCK_DGRAM, address, kPort);
        udp.send(std::string(size, 'f'));
        EXPECT_EQ(udp.receive().size(), size);
    }
}

TEST_F(AgentPodsListeners, AnswersWhileTheAgentCollectsAndPaces) {
    open();
    ask<ArmReply>(*agent, Arm{{{0, echoes(), 64, 16, 1, false}}, everywhere()});
    ASSERT_TRUE(agent->send(encode(Request{Collect{3000}}), soon()));
    {
        const Client udp(*peer, SOCK_DGRAM, "10.200.0.201", kPort);
        udp.send("while it collects");
        EXPECT_EQ(udp.receive(), "while it collects");
    }
    ASSERT_TRUE(agent->receive(soon()));
    Frame late{0, 3'000'000, echo_request(ip("10.200.0.201"), ip("10.240.0.21"), 1), 1};
    ASSERT_TRUE(agent->send(encode(Request{Fire{{late}}}), soon()));
    {
        const Client udp(*peer, SOCK_DGRAM, "10.240.0.20", kPort);
        udp.send("while it paces");
        EXPECT_EQ(udp.receive(), "while it paces");
        EXPECT_EQ(Client(*peer, SOCK_STREAM, "fd00:200::201", kPort).error(), 0);
    }
    const auto fired = agent->receive(soon());
    ASSERT_TRUE(fired && std::holds_alternative<FireReply>(*fired));
    EXPECT_EQ(std::get<FireReply>(*fired).sent, 1U);
}

TEST_F(AgentPodsListeners, ManyConnectionsThatNeverEndAreBounded) {
    open();
    ask<ArmReply>(*agent, Arm{{}, everywhere()});
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 400; ++i) {
        clients.push_back(std::make_unique<Client>(*peer, SOCK_STREAM, "10.200.0.201", kPort));
        ASSERT_EQ(clients.back()->error(), 0) << i;
    }
    // The oldest were closed to make room; the agent still answers.
    EXPECT_EQ(clients.front()->receive(), kReset);
    ask<PingReply>(*agent, Ping{});
    clients.clear();
    EXPECT_EQ(Client(*peer, SOCK_STREAM, "10.200.0.201", kPort).error(), 0);
}

TEST_F(AgentPodsListeners, AreReplacedAndEndWithTheirPod) {
    open();
    ask<ArmReply>(*agent, Arm{{}, everywhere()});
    const Client open_one(*peer, SOCK_STREAM, "10.240.0.20", kPort);
    ask<ArmReply>(*agent, Arm{});
    EXPECT_EQ(Client(*peer, SOCK_STREAM, "10.200.0.201", kPort).error(), ECONNREFUSED);
    ask<ArmReply>(*agent, Arm{{}, everywhere()});
    ask<ByeReply>(*agent, Bye{});
    ASSERT_TRUE(agent->wait(soon()));
    EXPECT_EQ(run("ss -Htan"), "");
    EXPECT_EQ(run("ss -Huan"), "");
}

TEST_F(AgentPodsListeners, OneThatCannotBeIsRefusedAndNoneIsLeft) {
    open();
    for (const auto& bad : {Listener{0, Protocol::tcp, ip("10.200.0.201"), kPort},
                            Listener{2, Protocol::tcp, ip("10.200.0.202"), kPort},
                            Listener{1, Protocol::icmp, ip("10.200.0.201"), 0},
                            Listener{1, Protocol::udp, ip("10.200.0.201"), kPort}}) {
        auto listeners = everywhere();
        listeners.push_back(bad);
        const auto error = ask<Refused>(*agent, Arm{{}, listeners}).error;
        EXPECT_EQ(error.code, "listener");
        EXPECT_NE(error.where, "");
        EXPECT_EQ(run("ss -Htuanl"), "");
    }
    EXPECT_EQ(ask<Refused>(*agent, Arm{{}, std::vector<Listener>(65, everywhere()[0])}).error.code,
              "listener");
}

}  // namespace
}  // namespace podroute
