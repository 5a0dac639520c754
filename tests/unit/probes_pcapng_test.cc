// The capture file is one that libpcap, which tcpdump reads with, understands.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>

#include "probes/neighbour_prober.h"
#include "probes/pcapng.h"
#include "tests/unit/probes_world.h"

namespace podroute {
namespace {

using testing::Bytes;

constexpr std::uint64_t kBegan = 1'800'000'000'000'000;

struct Packet {
    std::uint64_t time_us = 0;
    std::size_t wire_length = 0;
    Bytes bytes;
};
struct Read {
    std::vector<Packet> packets;
    int snaplen = 0;
    std::string error;
};

Read read_back(const std::string& file) {
    Read out;
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    // fmemopen's stream belongs to libpcap from here on.
    std::string copy = file;
    pcap_t* handle = pcap_fopen_offline(fmemopen(copy.data(), copy.size(), "rb"), why.data());
    if (handle == nullptr) return {{}, 0, why.data()};
    out.snaplen = pcap_snapshot(handle);
    pcap_pkthdr* head = nullptr;
    const u_char* bytes = nullptr;
    int got = 0;
    while ((got = pcap_next_ex(handle, &head, &bytes)) == 1)
        out.packets.push_back({static_cast<std::uint64_t>(head->ts.tv_sec) * 1'000'000 +
                                   static_cast<std::uint64_t>(head->ts.tv_usec),
                               head->len, Bytes(bytes, bytes + head->caplen)});
    if (got != PCAP_ERROR_BREAK) out.error = pcap_geterr(handle);
    pcap_close(handle);
    return out;
}

class PcapNgFile : public ::testing::Test {
  protected:
    Read observe() {
        NeighbourProber neighbours;
        PacketProber packets;
        ProberChain chain({&neighbours, &packets});
        PcapNg pcap(file_);
        std::uint64_t clock = kBegan;
        FrameTap tap(
            chain,
            [&](const RoundPlan& plan, const Caught& caught, std::uint64_t began_us) {
                for (const auto& [host, c] : caught) caught_frames_ += c.known() ? c->frames.size() : 0;
                pcap.add(plan, caught, began_us);
            },
            [&] { return clock += 1'000'000; });
        EXPECT_EQ(world_.observe(tap).rounds.back().stage, RoundStage::main);  // the tap changes nothing
        return read_back(file_.str());
    }

    testing::Cluster cluster_{2};
    testing::World world_{cluster_};
    std::ostringstream file_;
    std::size_t caught_frames_ = 0;
};

TEST_F(PcapNgFile, IsReadByLibpcap) {
    const auto back = observe();
    EXPECT_EQ(back.error, "");
    EXPECT_GT(caught_frames_, 0U);
    ASSERT_EQ(back.packets.size(), caught_frames_);
    EXPECT_EQ(back.snaplen, 128);
    for (const auto* name : {"node-0/pod link", "node-1/pod link", "server/eth0", "node-0/pod link 2"})
        EXPECT_NE(file_.str().find(name), std::string::npos) << name;
}

TEST_F(PcapNgFile, HoldsTheLengthOnTheWire) {
    std::set<std::size_t> lengths;
    for (const Packet& packet : observe().packets) {
        lengths.insert(packet.wire_length);
        EXPECT_EQ(packet.bytes.size(), std::min<std::size_t>(packet.wire_length, 128));
    }
    EXPECT_EQ(lengths, (std::set<std::size_t>{54, 98, 1514}));  // TCP, echo, echo of full size
}

// Echo requests by their number: the places that each is seen at, in the file's order.
std::map<std::string, std::vector<std::uint8_t>> hop_limits(const Read& file) {
    std::map<std::string, std::vector<std::uint8_t>> out;
    for (const Packet& packet : file.packets) {
        const Bytes ip(packet.bytes.begin() + 14, packet.bytes.end());
        if (ip[9] != 1 || ip[20] != 8) continue;
        out[std::string(ip.begin() + 12, ip.begin() + 28)].push_back(ip[8]);
    }
    return out;
}

TEST_F(PcapNgFile, IsInOrderWhateverTheHostsClocksAre) {
    constexpr std::uint64_t kHours = 3'600'000'000;
    world_.clock_ahead_us = {{"node-0", 5 * kHours}, {"node-1", kHours}, {"server", 40 * kHours}};
    cluster_.snapshot.policy.trace = Trace::all;
    const auto back = observe();
    std::uint64_t before = kBegan;
    for (const Packet& packet : back.packets) {
        EXPECT_GE(packet.time_us, before);
        EXPECT_LT(packet.time_us, kBegan + 10'000'000);
        before = packet.time_us;
    }
    const auto seen = hop_limits(back);
    ASSERT_GT(seen.size(), 6U);
    for (const auto& [number, limits] : seen)
        EXPECT_TRUE(std::is_sorted(limits.rbegin(), limits.rend())) << ::testing::PrintToString(limits);
}

TEST(PcapNg, AnEmptyFileIsAFile) {
    std::ostringstream file;
    PcapNg pcap(file);
    pcap.add({}, {{"node-0", Unknown{"gone", "", ""}}}, 1);
    EXPECT_EQ(file.str().size(), 28U);
}

}  // namespace
}  // namespace podroute
