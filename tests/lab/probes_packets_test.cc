// Our probes against a kernel that answers them:
//
//     asker namespace: eth0 10.240.0.20, fd00:10:240::14 ══ eth0 10.240.0.21, fd00:10:240::15: owner
//     namespace,
//                                                           which forwards, and listens on TCP 8080
//
// A checksum, a flag or an offset that only our own reader understands would pass the unit tests and be
// dropped here.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>

#include "probes/filter.h"
#include "probes/probe_filter.h"
#include "probes/reading.h"
#include "tests/lab/probes_namespace.h"

namespace podroute {
namespace {

using testing::Namespace;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr std::uint16_t kPort = 8080, kClosed = 8081;
const ProbeKey kKey{0x1122334455667788, 0x4242};

sockaddr_storage socket_address(const Address& address, std::uint16_t port, socklen_t& length) {
    sockaddr_storage out{};
    if (address.is_v4()) {
        auto& in = reinterpret_cast<sockaddr_in&>(out);
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        std::copy_n(address.wire(), 4, reinterpret_cast<std::uint8_t*>(&in.sin_addr));
        length = sizeof in;
    } else {
        auto& in = reinterpret_cast<sockaddr_in6&>(out);
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        std::copy_n(address.wire(), 16, reinterpret_cast<std::uint8_t*>(&in.sin6_addr));
        length = sizeof in;
    }
    return out;
}

class ProbesPackets : public ::testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        v4 = GetParam();
        source = *Address::parse(v4 ? "10.240.0.20" : "fd00:10:240::14");
        target = *Address::parse(v4 ? "10.240.0.21" : "fd00:10:240::15");
        beyond = *Address::parse(v4 ? "10.250.0.1" : "fd00:10:250::1");
        ASSERT_TRUE(asker.made() && owner.made()) << "no namespaces of our own (root is needed)";
        const auto peer = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(owner.fd());
        ASSERT_TRUE(asker.ip("link add eth0 type veth peer name eth0 netns " + peer));
        const std::string length = v4 ? "/24" : "/64 nodad";
        ASSERT_TRUE(asker.ip("address add " + source.to_string() + length + " dev eth0"));
        ASSERT_TRUE(owner.ip("address add " + target.to_string() + length + " dev eth0"));
        for (const auto* ns : {&asker, &owner})
            ASSERT_TRUE(ns->ip("link set lo up") && ns->ip("link set eth0 up"));
        for (const auto* ns : {&asker, &owner}) ASSERT_TRUE(comes_up(*ns));
        ASSERT_TRUE(asker.ip("route add " + beyond.to_string() + " via " + target.to_string()));
        // Without a route of its own the router would object to the target, not to the hop limit.
        ASSERT_TRUE(owner.ip("route add " + beyond.to_string() + " via " + source.to_string()));
        ASSERT_TRUE(owner.run([&] {
            std::ofstream(v4 ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding")
                << "1";
            return listen_there();
        }));
    }
    void TearDown() override {
        if (listener >= 0) close(listener);
    }

    static bool comes_up(const Namespace& ns) {
        for (int i = 0; i < 300; ++i) {
            if (ns.ip("-o link show eth0 | grep -v noop | grep -q 'state UP'")) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    bool listen_there() {
        listener = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t length = 0;
        const auto at = socket_address(target, kPort, length);
        return bind(listener, reinterpret_cast<const sockaddr*>(&at), length) == 0 &&
               listen(listener, 16) == 0;
    }

    // Sends one probe, by way of the kernel's routing as an agent does, and returns what came in about it.
    std::optional<SeenPacket> probe(const ProbePacket& packet) {
        std::optional<SeenPacket> seen;
        EXPECT_TRUE(asker.run([&] { return exchange(packet, seen); }));
        return seen;
    }

    bool exchange(const ProbePacket& packet, std::optional<SeenPacket>& seen) const {
        FilterScope scope;
        scope.tcp_ports = {kPort, kClosed};
        scope.udp_ports = {kClosed};
        scope.answers_to = {source};
        const auto filter = compile_filter(probes_expression(kKey, scope), 128);
        const auto bytes = craft_probe(packet, kKey);
        if (!filter || !bytes) return false;
        const int in = capture(*filter);
        const int out = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
        socklen_t length = 0;
        const auto to = socket_address(packet.destination, 0, length);
        bool good = in >= 0 && out >= 0 &&
                    sendto(out, bytes->data(), bytes->size(), 0, reinterpret_cast<const sockaddr*>(&to),
                           length) == static_cast<ssize_t>(bytes->size());
        const auto until = std::chrono::steady_clock::now() + kPatience;
        while (good && !seen && std::chrono::steady_clock::now() < until) {
            pollfd p{in, POLLIN, 0};
            std::array<std::uint8_t, 128> frame{};
            if (poll(&p, 1, 50) <= 0) continue;
            const auto n = recv(in, frame.data(), frame.size(), 0);
            if (n > 0) seen = read_probe({frame.data(), static_cast<std::size_t>(n)}, kKey);
        }
        close(in);
        close(out);
        return good;
    }

    static int capture(const std::vector<BpfInstruction>& filter) {
        const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        std::vector<sock_filter> code;
        for (const auto& i : filter) code.push_back({i.code, i.jt, i.jf, i.k});
        const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
        const int one = 1;
        sockaddr_ll at{};
        at.sll_family = AF_PACKET;
        at.sll_protocol = htons(ETH_P_ALL);
        at.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
        return bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 ? fd : -1;
    }

    Namespace asker, owner;
    bool v4 = true;
    Address source, target, beyond;
    int listener = -1;
};

TEST_P(ProbesPackets, EchoIsAnswered) {
    for (const std::uint32_t size : {0U, 84U, 1500U}) {
        const auto seen = probe({Protocol::icmp, source, target, 0, 1, size});
        ASSERT_TRUE(seen) << size;
        EXPECT_EQ(seen->kind, SeenKind::reply);
        EXPECT_EQ(seen->number, 1);
        EXPECT_EQ(seen->source, target);
    }
}

TEST_P(ProbesPackets, ASynIsAnsweredWhereSomebodyListens) {
    const auto seen = probe({Protocol::tcp, source, target, kPort, 2});
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->kind, SeenKind::reply);
    EXPECT_EQ(seen->number, 2);
}

TEST_P(ProbesPackets, ASynIsResetWhereNobodyListens) {
    const auto seen = probe({Protocol::tcp, source, target, kClosed, 3});
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->kind, SeenKind::reset);
    EXPECT_EQ(seen->number, 3);
    EXPECT_EQ(seen->target, target);
}

TEST_P(ProbesPackets, ADatagramToAClosedPortIsObjectedTo) {
    const auto seen = probe({Protocol::udp, source, target, kClosed, 4});
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->kind, SeenKind::objection);
    EXPECT_EQ(seen->protocol, Protocol::udp);
    EXPECT_EQ(seen->number, 4);
    EXPECT_EQ(seen->type, v4 ? 3 : 1);
    EXPECT_EQ(seen->code, v4 ? 3 : 4);
}

TEST_P(ProbesPackets, ARouterNamesItselfWhenTheHopLimitEnds) {
    for (const auto protocol : {Protocol::icmp, Protocol::tcp, Protocol::udp}) {
        ProbePacket packet{protocol, source, beyond, protocol == Protocol::icmp ? std::uint16_t{0} : kClosed,
                           5};
        packet.hop_limit = 1;
        const auto seen = probe(packet);
        ASSERT_TRUE(seen) << to_string(protocol);
        EXPECT_EQ(seen->kind, SeenKind::objection);
        EXPECT_EQ(seen->protocol, protocol);
        EXPECT_EQ(seen->source, target);
        EXPECT_EQ(seen->target, beyond);
        EXPECT_EQ(seen->type, v4 ? 11 : 3);
    }
}

INSTANTIATE_TEST_SUITE_P(Families, ProbesPackets, ::testing::Values(true, false),
                         [](const auto& p) { return p.param ? "IPv4" : "IPv6"; });

}  // namespace
}  // namespace podroute
