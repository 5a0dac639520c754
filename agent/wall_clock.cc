// clock_gettime(2).
#include "agent/wall_clock.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace podroute::agent {
namespace {

constexpr int kTries = 5;               // this process may lose the processor between two readings
constexpr std::int64_t kClose = 2'000;  // ns between two readings that were not parted
constexpr std::int64_t kSet = 100'000;  // ns; less is how well two clocks can be compared

std::int64_t read_clock(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return t.tv_sec * std::int64_t{1'000'000'000} + t.tv_nsec;
}

}  // namespace

WallClock::WallClock() : WallClock(read_clock) {}

void WallClock::look() {
    auto closest = std::numeric_limits<std::int64_t>::max();
    std::int64_t ahead = 0;
    for (int i = 0; i < kTries && closest > kClose; ++i) {
        const auto before = read_(CLOCK_MONOTONIC), wall = read_(CLOCK_REALTIME),
                   after = read_(CLOCK_MONOTONIC);
        if (after - before >= closest) continue;
        closest = after - before;
        ahead = wall - before - closest / 2;
    }
    if (!ahead_ || std::abs(ahead - *ahead_) > std::max(kSet, closest)) ahead_ = ahead;
}

std::int64_t WallClock::monotonic(std::int64_t stamp_ns) const {
    const auto now = monotonic_now();
    return ahead_ ? std::clamp<std::int64_t>(stamp_ns - *ahead_, 0, now) : now;
}

}  // namespace podroute::agent
