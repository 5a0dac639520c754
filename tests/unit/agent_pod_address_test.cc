// Addresses that are in use: host-local's files, and what may be an answer on the wire.
#include <gtest/gtest.h>
#include <pcap/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/address_probe.h"
#include "agent/pod_address.h"
#include "tests/unit/refused_call.h"

namespace podroute::agent {
namespace {

namespace fs = std::filesystem;

// host-local's directory, in a place of its own.
class Ipam : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "podroute-ipam-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory = name;
    }
    void TearDown() override { fs::remove_all(directory); }
    void lease(const std::string& network, const std::string& name) const {
        fs::create_directories(directory / network);
        std::ofstream(directory / network / name) << "id\neth0";
    }
    Result<void> ask(const fs::path& where) const { return not_in_ipam(address, where); }

    fs::path directory;
    const Address address = *Address::parse("10.200.0.201");
};

TEST_F(Ipam, AnAddressWithAFileIsTaken) {
    lease("bridge", "10.200.0.2");
    EXPECT_TRUE(ask(directory));
    lease("other", "10.200.0.201");
    const auto error = ask(directory);
    ASSERT_FALSE(error);
    EXPECT_EQ(error.error().code, "pod-unavailable");
    EXPECT_EQ(error.error().where, "10.200.0.201");
    // The others of that network, so that the next try is none of them; other files are no addresses.
    lease("other", "10.200.0.202");
    lease("other", "last_reserved_ip.0");
    EXPECT_EQ(ask(directory).error().where, "10.200.0.201 10.200.0.202");
    EXPECT_NE(error.error().text.find("other/10.200.0.201"), std::string::npos) << error.error().text;
}

TEST_F(Ipam, WithoutADirectoryNothingIsTaken) {
    EXPECT_TRUE(ask(directory / "none"));
    std::ofstream(directory / "file") << "x";
    EXPECT_TRUE(ask(directory / "file"));
}

TEST_F(Ipam, OfMoreNetworksThanAreLookedAtNoAddressIsFree) {
    for (int i = 0; i < 256; ++i) fs::create_directory(directory / ("network" + std::to_string(i)));
    EXPECT_TRUE(ask(directory));
    fs::create_directory(directory / "one-more");
    const auto error = ask(directory);
    ASSERT_FALSE(error);
    EXPECT_NE(error.error().text.find("more than 256 networks"), std::string::npos) << error.error().text;
    EXPECT_EQ(error.error().where, "") << "another address would not help";
}

TEST_F(Ipam, WhatCannotBeLookedAtIsNotFree) {
    fs::create_symlink("loop", directory / "loop");
    const auto error = ask(directory);
    ASSERT_FALSE(error);
    EXPECT_NE(error.error().text.find("loop"), std::string::npos) << error.error().text;
}

// "free", or why not; the address that another one may do instead of in brackets.
template <class T>
std::string said(const Result<T>& asked) {
    return asked ? "free" : asked.error().text + " [" + asked.error().where + "]";
}

TEST_F(Ipam, ADirectoryThatFailsHalfwayIsNotFree) {
    lease("bridge", "10.200.0.2");
    EXPECT_EQ(podroute::testing::with_refused_call(SYS_getdents64, EIO, [&] { return said(ask(directory)); }),
              directory.string() + ": Input/output error []");
}

TEST(PodAddress, AKernelThatDoesNotAnswerDoesNotSayThatItIsFree) {
    const auto address = *Address::parse("192.0.2.1");
    EXPECT_EQ(podroute::testing::with_refused_call(SYS_recvfrom, ENOBUFS,
                                                   [&] {
                                                       auto netlink = Netlink::open(NETLINK_ROUTE);
                                                       return netlink ? said(not_routed(*netlink, address, 0))
                                                                      : "no netlink socket";
                                                   }),
              "the host's way to 192.0.2.1: No buffer space available []");
}

TEST(PodAddress, WhatCannotBeReservedIsNotTheAddressesFault) {
    EXPECT_EQ(podroute::testing::with_refused_call(
                  SYS_socket, EMFILE, [&] { return said(reserve(*Address::parse("192.0.2.1"))); }),
              "no socket to reserve an address by: Too many open files []");
}

std::vector<std::uint8_t> ethernet(std::uint16_t type) {
    std::vector<std::uint8_t> frame(14 + 40 + 24);
    frame[12] = static_cast<std::uint8_t>(type >> 8);
    frame[13] = static_cast<std::uint8_t>(type & 0xff);
    return frame;
}
std::vector<std::uint8_t> icmpv6(std::uint8_t message) {
    auto frame = ethernet(0x86dd);
    frame[14 + 6] = 58;
    frame[14 + 40] = message;
    return frame;
}
bool passes(const std::vector<std::uint8_t>& frame) {
    const auto filter = answers_filter();
    std::vector<bpf_insn> code;
    for (const auto& i : filter) code.push_back({i.code, i.jt, i.jf, i.k});
    const auto size = static_cast<unsigned>(frame.size());
    return bpf_filter(code.data(), frame.data(), size, size) != 0;
}

TEST(AnswersFilter, ArpAndNeighbourAdvertisementsOnly) {
    EXPECT_TRUE(passes(ethernet(0x0806)));
    EXPECT_TRUE(passes(icmpv6(136)));
    for (const int message : {1, 128, 129, 133, 134, 135, 137})
        EXPECT_FALSE(passes(icmpv6(static_cast<std::uint8_t>(message)))) << message;
    EXPECT_FALSE(passes(ethernet(0x0800)));
    auto udp = icmpv6(136);
    udp[14 + 6] = 17;
    EXPECT_FALSE(passes(udp));
}

}  // namespace
}  // namespace podroute::agent
