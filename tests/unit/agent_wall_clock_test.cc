// Stamps of the kernel on the monotonic clock, whatever the wall clock says and does.
#include <gtest/gtest.h>

#include <cstdlib>

#include "agent/wall_clock.h"

namespace podroute::agent {
namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;  // ns

// Two clocks; every reading takes 100 ns, and some take longer.
struct Clocks {
    std::int64_t monotonic = 5'000'000'000, ahead = 1'700'000'000 * std::int64_t{1'000'000'000};
    int readings = 0, slow = -1;  // the reading before which the process is held up for 3 ms

    WallClock clock() {
        return WallClock([this](clockid_t which) {
            monotonic += readings++ == slow ? 3'000'000 : 100;
            return which == CLOCK_MONOTONIC ? monotonic : monotonic + ahead;
        });
    }
    std::int64_t wall() const { return monotonic + ahead; }
};

TEST(WallClock, AStampIsMovedToTheMonotonicClock) {
    for (const auto off : {-9 * kHour, std::int64_t{0}, 9 * kHour}) {
        Clocks clocks;
        clocks.ahead += off;
        auto wall = clocks.clock();
        const auto then = clocks.monotonic, stamp = clocks.wall();
        clocks.monotonic += 1'000'000;
        wall.look();
        EXPECT_LE(std::abs(wall.monotonic(stamp) - then), 1000);
    }
}

TEST(WallClock, BeingHeldUpBetweenTwoReadingsMovesNothing) {
    for (int slow = 0; slow < 4; ++slow) {
        Clocks clocks;
        clocks.slow = slow;
        auto wall = clocks.clock();
        const auto then = clocks.monotonic, stamp = clocks.wall();
        wall.look();
        EXPECT_LE(std::abs(wall.monotonic(stamp) - then), 1000) << slow;
    }
}

TEST(WallClock, WhatCameLaterStaysLaterFromOneLookToTheNext) {
    Clocks clocks;
    auto wall = clocks.clock();
    const auto first = clocks.wall();
    clocks.monotonic += 10'000;
    wall.look();
    const auto before = wall.monotonic(first);
    clocks.slow = clocks.readings + 1;
    wall.look();
    EXPECT_EQ(wall.monotonic(first), before);
}

TEST(WallClock, OneThatWasSetIsFollowed) {
    Clocks clocks;
    auto wall = clocks.clock();
    wall.look();
    clocks.ahead += 3 * kHour;
    const auto then = clocks.monotonic, stamp = clocks.wall();
    wall.look();
    EXPECT_LE(std::abs(wall.monotonic(stamp) - then), 1000);
    // One of before the change, from a queue: within bounds all the same.
    EXPECT_GE(wall.monotonic(stamp - 9 * kHour), 0);
    EXPECT_LE(wall.monotonic(stamp + 9 * kHour), clocks.monotonic);
}

}  // namespace
}  // namespace podroute::agent
