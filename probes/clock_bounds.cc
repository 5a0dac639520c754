// Longest paths between all hosts (Floyd and Warshall).
#include "probes/clock_bounds.h"

#include <algorithm>
#include <limits>

namespace podroute {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();

}  // namespace

ClockBounds::ClockBounds(std::size_t hosts) : hosts_(hosts), least_(hosts * hosts, kNone) {
    for (std::size_t i = 0; i < hosts; ++i) at(i, i) = 0;
}

void ClockBounds::at_least(std::size_t from, std::size_t to, std::int64_t difference) {
    if (from != to) at(from, to) = std::max(at(from, to), difference);
}

void ClockBounds::join() {
    const auto told = least_;
    for (std::int64_t slack = 1; !joined(); slack *= 2) {
        least_ = told;
        for (std::size_t from = 0; from < hosts_; ++from)
            for (std::size_t to = 0; to < hosts_; ++to)
                if (from != to && at(from, to) != kNone) at(from, to) -= slack;
    }
}

// False at the first contradiction: a host that would be ahead of itself.
bool ClockBounds::joined() {
    for (std::size_t by = 0; by < hosts_; ++by)
        for (std::size_t from = 0; from < hosts_; ++from) {
            const std::int64_t there = at(from, by);
            if (there == kNone || from == by) continue;
            for (std::size_t to = 0; to < hosts_; ++to)
                if (const std::int64_t on = at(by, to); on != kNone)
                    at(from, to) = std::max(at(from, to), there + on);
            if (at(from, from) > 0) return false;
        }
    return true;
}

std::optional<std::int64_t> ClockBounds::least(std::size_t from, std::size_t to) const {
    const std::int64_t difference = least_[from * hosts_ + to];
    return difference == kNone ? std::nullopt : std::optional(difference);
}

}  // namespace podroute
