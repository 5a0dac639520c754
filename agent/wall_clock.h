// From the wall clock, on which the kernel stamps packets, to the monotonic one, which nobody sets.
#pragma once

#include <time.h>

#include <cstdint>
#include <functional>
#include <optional>

namespace podroute::agent {

class WallClock {
  public:
    using Read = std::function<std::int64_t(clockid_t)>;  // ns
    WallClock();
    explicit WallClock(Read read) : read_(std::move(read)) {}

    // Looks whether it was set since. Between two times that it was, all stamps are moved by the same, so
    // that what came later stays later.
    void look();
    // Of a stamp, in ns; never after now. Before the first look() nothing is known: the stamp is now.
    std::int64_t monotonic(std::int64_t stamp_ns) const;
    std::int64_t monotonic_now() const { return read_(CLOCK_MONOTONIC); }

  private:
    Read read_;
    std::optional<std::int64_t> ahead_;  // ns, of the monotonic clock
};

}  // namespace podroute::agent
