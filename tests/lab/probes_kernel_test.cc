// Our questions against a kernel that answers them:
//
//     asker namespace: eth0 10.240.0.20, fd00:10:240::14 ══ eth0 10.240.0.21, fd00:10:240::15: owner
//     namespace
//
// A question or filter that only our own reader understands would pass the unit tests and find nobody here.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "probes/arp.h"
#include "probes/filter.h"
#include "tests/lab/probes_namespace.h"

namespace podroute {
namespace {

constexpr auto kAskerMac = "02:00:00:00:02:14", kOwnerMac = "02:00:00:00:02:15";
using testing::Namespace;

constexpr auto kPatience = std::chrono::seconds(3);

class ProbesKernel : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(asker.made() && owner.made()) << "no namespaces of our own (root is needed)";
        const auto peer = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(owner.fd());
        ASSERT_TRUE(asker.ip(std::string("link add eth0 address ") + kAskerMac +
                             " type veth peer name eth0 address " + kOwnerMac + " netns " + peer));
        for (const auto& [ns, v4, v6] : {std::tuple{&asker, "10.240.0.20/24", "fd00:10:240::14/64"},
                                         std::tuple{&owner, "10.240.0.21/24", "fd00:10:240::15/64"}}) {
            ASSERT_TRUE(ns->ip(std::string("address add ") + v4 + " dev eth0"));
            ASSERT_TRUE(ns->ip(std::string("address add ") + v6 + " dev eth0 nodad"));
            ASSERT_TRUE(ns->ip("link set eth0 up"));
        }
        ASSERT_TRUE(comes_up(asker) && comes_up(owner));
    }

    // The first packet over a new veth is lost until the kernel has put its queue in place.
    static bool comes_up(const Namespace& ns) {
        return becomes_true(ns, "-o link show eth0 | grep -v noop | grep -q 'state UP'");
    }

    // A solicitation is heard by who has joined its group, which a worker of the kernel does some time after
    // the link is up (addrconf_dad_work() in net/ipv6/addrconf.c), also for an address without duplicate
    // detection.
    static bool joins(const Namespace& ns, const std::string& group) {
        return becomes_true(ns, "-6 maddr show dev eth0 | grep -qw " + group);
    }

    static bool becomes_true(const Namespace& ns, const std::string& what_ip_says) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < until) {
            if (ns.ip(what_ip_says)) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    // Asks in the asker's namespace as an agent would, and returns what passed the filter within the time,
    // or until `wanted` frames did.
    std::vector<NeighbourAnswer> ask(const char* source, const char* target, std::size_t wanted,
                                     const std::string& holder = {}) {
        std::vector<NeighbourAnswer> answers;
        const auto address = *Address::parse(target);
        const std::array about{address};
        const auto filter = compile_filter(answers_expression(kAskerMac, about), 128);
        const auto question = craft_question(kAskerMac, *Address::parse(source), address, holder);
        EXPECT_TRUE(filter && question);
        EXPECT_TRUE(asker.run([&] { return exchange(*filter, *question, wanted, answers); }));
        return answers;
    }

    Namespace asker, owner;

  private:
    static bool exchange(const std::vector<BpfInstruction>& filter, const std::vector<std::uint8_t>& question,
                         std::size_t wanted, std::vector<NeighbourAnswer>& answers) {
        const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        if (fd < 0) return false;
        std::vector<sock_filter> code;
        code.reserve(filter.size());
        for (const auto& i : filter) code.push_back({i.code, i.jt, i.jf, i.k});
        const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
        sockaddr_ll at{};
        at.sll_family = AF_PACKET;
        at.sll_protocol = htons(ETH_P_ALL);
        at.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
        const bool sent =
            setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
            bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 &&
            send(fd, question.data(), question.size(), 0) == static_cast<ssize_t>(question.size());
        const auto until = std::chrono::steady_clock::now() + kPatience;
        while (sent && answers.size() < wanted && std::chrono::steady_clock::now() < until) {
            pollfd p{fd, POLLIN, 0};
            std::array<std::uint8_t, 256> bytes{};
            if (poll(&p, 1, 50) <= 0) continue;
            const auto n = recv(fd, bytes.data(), bytes.size(), 0);
            if (n <= 0) continue;
            if (const auto answer = read_answer({bytes.data(), static_cast<std::size_t>(n)}))
                answers.push_back(*answer);
        }
        close(fd);
        return sent;
    }
};

TEST_F(ProbesKernel, AnswersArp) {
    const auto answers = ask("10.240.0.20", "10.240.0.21", 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0], (NeighbourAnswer{*Address::parse("10.240.0.21"), kOwnerMac}));
}

TEST_F(ProbesKernel, AnswersNeighbourSolicitation) {
    ASSERT_TRUE(joins(owner, "ff02::1:ff00:15"));
    const auto answers = ask("fd00:10:240::14", "fd00:10:240::15", 1);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0], (NeighbourAnswer{*Address::parse("fd00:10:240::15"), kOwnerMac}));
}

TEST_F(ProbesKernel, WhoHoldsTheAddressAnswersWhenOnlyItIsAsked) {
    ASSERT_TRUE(joins(owner, "ff02::1:ff00:15"));
    EXPECT_EQ(ask("10.240.0.20", "10.240.0.21", 1, kOwnerMac).size(), 1U);
    EXPECT_EQ(ask("fd00:10:240::14", "fd00:10:240::15", 1, kOwnerMac).size(), 1U);
}

TEST_F(ProbesKernel, NobodyAnswersForAnAddressThatIsNotThere) {
    EXPECT_TRUE(ask("10.240.0.20", "10.240.0.22", 1).empty());
}

TEST_F(ProbesKernel, BothOfTwoMachinesWithOneAddressAreHeard) {
    // The owner's port and a second machine's on one switch.
    Namespace second;
    const auto fd_of = [](const Namespace& ns) {
        return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(ns.fd());
    };
    ASSERT_TRUE(second.made());
    ASSERT_TRUE(asker.ip("link set eth0 name port0") && asker.ip("link add br0 type bridge"));
    ASSERT_TRUE(
        asker.ip(std::string("link add port1 type veth peer name eth0 address 02:00:00:00:02:77 netns ") +
                 fd_of(second)));
    for (const auto* command : {"link set port0 address 02:00:00:00:03:01", "link set port0 master br0 up",
                                "link set port1 master br0 up", "link set br0 name eth0",
                                "link set eth0 address 02:00:00:00:02:14 up", "address flush dev port0",
                                "address add 10.240.0.20/24 dev eth0"})
        ASSERT_TRUE(asker.ip(command)) << command;
    ASSERT_TRUE(second.ip("address add 10.240.0.21/24 dev eth0") && second.ip("link set eth0 up"));
    ASSERT_TRUE(comes_up(asker) && comes_up(second));
    std::vector<std::string> macs;
    for (const auto& a : ask("10.240.0.20", "10.240.0.21", 2)) macs.push_back(a.mac);
    std::sort(macs.begin(), macs.end());
    EXPECT_EQ(macs, (std::vector<std::string>{kOwnerMac, "02:00:00:00:02:77"}));
}

}  // namespace
}  // namespace podroute
