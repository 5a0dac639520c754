// The capture file is one that libpcap, which tcpdump reads with, understands.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <cstdio>
#include <sstream>

#include "probes/pcapng.h"
#include "tests/unit/probes_world.h"

namespace podroute {
namespace {

using testing::Bytes;

struct Read {
    std::vector<std::pair<std::uint64_t, Bytes>> packets;  // time in us, bytes
    std::string error;
};

Read read_back(const std::string& file) {
    Read out;
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    // fmemopen's stream belongs to libpcap from here on.
    std::string copy = file;
    pcap_t* handle = pcap_fopen_offline(fmemopen(copy.data(), copy.size(), "rb"), why.data());
    if (handle == nullptr) return {{}, why.data()};
    pcap_pkthdr* head = nullptr;
    const u_char* bytes = nullptr;
    int got = 0;
    while ((got = pcap_next_ex(handle, &head, &bytes)) == 1)
        out.packets.emplace_back(static_cast<std::uint64_t>(head->ts.tv_sec) * 1'000'000 +
                                     static_cast<std::uint64_t>(head->ts.tv_usec),
                                 Bytes(bytes, bytes + head->caplen));
    if (got != PCAP_ERROR_BREAK) out.error = pcap_geterr(handle);
    pcap_close(handle);
    return out;
}

TEST(PcapNg, LibpcapReadsWhatWasCaught) {
    testing::Cluster cluster(2);
    testing::World world(cluster);
    PacketProber prober;
    std::ostringstream file;
    PcapNg pcap(file);
    std::size_t caught_frames = 0;
    FrameTap tap(prober, [&](const RoundPlan& plan, const Caught& caught) {
        for (const auto& [host, c] : caught) caught_frames += c.known() ? c->frames.size() : 0;
        pcap.add(plan, caught, 1'800'000'000'000'000);
    });
    const auto& snapshot = world.observe(tap);
    EXPECT_EQ(snapshot.rounds.back().stage, RoundStage::main);  // the tap changes nothing
    const auto back = read_back(file.str());
    EXPECT_EQ(back.error, "");
    EXPECT_GT(caught_frames, 0U);
    ASSERT_EQ(back.packets.size(), caught_frames);
    std::uint64_t before = 1'800'000'000'000'000;
    for (const auto& [time, bytes] : back.packets) {
        EXPECT_GE(time, before);
        before = time;
        EXPECT_GE(bytes.size(), 54U);
    }
    for (const auto* name : {"node-0/pod link", "node-1/pod link", "server/eth0", "node-0/pod link 2"})
        EXPECT_NE(file.str().find(name), std::string::npos) << name;
}

TEST(PcapNg, AnEmptyFileIsAFile) {
    std::ostringstream file;
    PcapNg pcap(file);
    pcap.add({}, {{"node-0", Unknown{"gone", "", ""}}}, 1);
    EXPECT_EQ(file.str().size(), 28U);
}

}  // namespace
}  // namespace podroute
