// Clocks of hosts, told by packets.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "probes/clock_bounds.h"
#include "probes/host_clocks.h"
#include "probes/packet.h"
#include "tests/unit/probes_frames.h"
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
    EXPECT_GT(kHour + offsets.at("b"), 2'000 + offsets.at("a"));
}

// In the first round nobody listens but in pods and where probes end.
TEST(HostClocks, PodsHaveTheClockOfTheirHost) {
    Frame out = left(1, 2'000), in = entered(1, kHour);
    out.pod = in.pod = 1;
    const auto offsets = clock_offsets({{"a", host(1'000, {out})}, {"b", host(kHour + 9'000, {in})}});
    EXPECT_GT(kHour + offsets.at("b"), 2'000 + offsets.at("a"));
}

// What a and c have of each other goes by way of b, and holds c from both sides.
TEST(HostClocks, WhatPassedByAThirdHostCounts) {
    const auto offsets = clock_offsets({{"a", host(1'000, {left(1, 2'000), entered(3, 2'600)})},
                                        {"b", host(2'000, {entered(1, 3'100), left(2, 3'200)})},
                                        {"c", host(7'000, {entered(2, 7'300), left(3, 7'400)})}});
    EXPECT_GT(3'100 + offsets.at("b"), 2'000 + offsets.at("a"));
    EXPECT_GT(7'300 + offsets.at("c"), 3'200 + offsets.at("b"));
    EXPECT_GT(2'600 + offsets.at("a"), 7'400 + offsets.at("c"));
}

// A SYN-ACK that was not answered is sent again, the same.
TEST(HostClocks, APacketThatWasSentTwiceMayHaveArrivedTheFirstTime) {
    const auto offsets =
        clock_offsets({{"a", host(1'000, {left(1, 2'000), left(1, 1'002'000), entered(2, 3'000)})},
                       {"b", host(1'000, {entered(1, 2'100), left(2, 2'900)})}});
    EXPECT_NEAR(static_cast<double>(offsets.at("b") - offsets.at("a")), 0, 100);
}

// Of each packet: from, to, when it left by the true time, and how long it took (us).
struct Sent {
    std::size_t from, to;
    std::int64_t left, took;
};

// The packets as hosts whose clocks are this far off caught them.
Caught caught_by(const std::vector<std::int64_t>& clocks, const std::vector<Sent>& packets) {
    Caught caught;
    for (std::size_t i = 0; i < clocks.size(); ++i)
        caught.emplace(std::to_string(i),
                       host(i % 2 == 0 ? static_cast<std::uint64_t>(clocks[i] + 500) : 0, {}));
    std::uint16_t number = 0;
    for (const Sent& p : packets) {
        const auto add = [&](std::size_t at, Frame frame) {
            caught.at(std::to_string(at))->frames.push_back(frame);
        };
        add(p.from, left(++number, static_cast<std::uint64_t>(clocks[p.from] + p.left)));
        add(p.to, entered(number, static_cast<std::uint64_t>(clocks[p.to] + p.left + p.took)));
    }
    return caught;
}

TEST(HostClocks, NoOrderContradictsCauseAndEffect) {
    testing::holds([] {
        const auto hosts = *rc::gen::inRange<std::size_t>(2, 7);
        const auto clocks =
            *rc::gen::container<std::vector<std::int64_t>>(hosts, rc::gen::inRange<std::int64_t>(0, kHour));
        // Some go both ways, some one way only, some not at all.
        const auto packets = *rc::gen::container<std::vector<Sent>>(rc::gen::construct<Sent>(
            rc::gen::inRange<std::size_t>(0, hosts), rc::gen::inRange<std::size_t>(0, hosts),
            rc::gen::inRange<std::int64_t>(1'000, 1'000'000), rc::gen::inRange<std::int64_t>(1, 5'000)));
        const auto offsets = clock_offsets(caught_by(clocks, packets));
        RC_ASSERT(offsets.size() == hosts);
        for (const Sent& p : packets) {
            const auto at = [&](std::size_t h) { return clocks[h] + offsets.at(std::to_string(h)); };
            RC_ASSERT(p.from == p.to || at(p.to) + p.left + p.took > at(p.from) + p.left);
        }
    });
}

// A clock that is corrected in the middle of a round.
TEST(ClockBounds, ContradictionsAreSharedOut) {
    ClockBounds bounds(3);
    bounds.at_least(0, 1, 100);
    bounds.at_least(1, 2, 100);
    bounds.at_least(2, 0, -170);
    bounds.join();
    EXPECT_LE(*bounds.least(0, 2) + *bounds.least(2, 0), 0);
    EXPECT_NEAR(static_cast<double>(*bounds.least(0, 1)), 100, 20);
}

TEST(ClockBounds, WhatIsNotKnownStaysSo) {
    ClockBounds bounds(3);
    bounds.at_least(0, 1, 5);
    bounds.at_least(0, 1, 3);
    bounds.join();
    EXPECT_EQ(bounds.least(0, 1), 5);
    EXPECT_FALSE(bounds.least(1, 0));
    EXPECT_FALSE(bounds.least(0, 2));
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
