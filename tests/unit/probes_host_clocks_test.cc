// Clocks of hosts, told by packets.
#include <gtest/gtest.h>

#include "probes/host_clocks.h"
#include "probes/packet.h"
#include "tests/unit/probes_packets.h"

namespace podroute {
namespace {

using testing::Bytes;

constexpr std::int64_t kHour = 3'600'000'000;

// A packet with this number, as it is on the wire between two hosts.
Bytes packet(std::uint16_t number) {
    const auto ip = craft_probe(
        {Protocol::icmp, *Address::parse("10.200.0.2"), *Address::parse("10.200.1.2"), 0, number, 84},
        {1, 1});
    return testing::on_wire(*ip);
}

HostCatch host(std::uint64_t fired_us, std::vector<Frame> frames) {
    HostCatch caught;
    caught.fired_us = fired_us;
    caught.frames = std::move(frames);
    return caught;
}
Frame left(std::uint16_t number, std::uint64_t time_us) {
    return {2, time_us, packet(number), 0, true};
}
Frame entered(std::uint16_t number, std::uint64_t time_us) {
    return {2, time_us, packet(number), 0, false};
}

TEST(HostClocks, PacketsOfBothDirectionsHoldTheDifferenceBetweenThem) {
    // b's clock is an hour ahead; 100 us there, 300 us back.
    const auto offsets =
        clock_offsets({{"a", host(1'000, {left(1, 2'000), entered(2, 9'300)})},
                       {"b", host(kHour, {entered(1, kHour + 2'100), left(2, kHour + 9'000)})}});
    EXPECT_EQ(offsets.at("a"), -1'000);
    EXPECT_EQ(offsets.at("b"), -1'000 - kHour + 100);  // half of what the two ways differ by
}

// A packet never enters before it left.
TEST(HostClocks, PacketsOfOneDirectionStandInTheirOrder) {
    const auto offsets =
        clock_offsets({{"a", host(1'000, {left(1, 2'000)})}, {"b", host(0, {entered(1, kHour)})}});
    EXPECT_GE(kHour + offsets.at("b"), 2'000 + offsets.at("a"));
}

TEST(HostClocks, WithoutACommonPacketHostsBeganTogether) {
    const auto offsets = clock_offsets({{"a", host(1'000, {left(1, 2'000)})},
                                        {"b", host(kHour, {left(2, kHour + 5)})},
                                        {"c", host(0, {entered(3, 7 * kHour)})},
                                        {"d", Unknown{"gone", "", ""}}});
    EXPECT_EQ(offsets, (std::map<HostId, std::int64_t>{{"a", -1'000}, {"b", -kHour}, {"c", -7 * kHour}}));
}

TEST(HostClocks, TakeAnythingForAFrame) {
    Frame odd = left(1, 5);
    odd.bytes = Bytes(17, 0x45);
    EXPECT_NO_THROW(clock_offsets({{"a", host(1, {odd, {}})}, {"b", host(1, {odd})}}));
}

}  // namespace
}  // namespace podroute
