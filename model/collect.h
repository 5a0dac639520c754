// How much of what was caught one reply to Collect holds. One that is full may have left more with the agent,
// which comes with the next.
#pragma once

#include <cstddef>
#include <cstdint>

namespace podroute {

inline constexpr std::size_t kFullCollectFrames = 65'536;
inline constexpr std::size_t kFullCollectBytes = std::size_t{16} << 20;  // of the frames alone

constexpr bool collect_is_full(std::size_t frames, std::size_t bytes) {
    return frames >= kFullCollectFrames || bytes >= kFullCollectBytes;
}

// A monotonic clock counts from the start of the machine. Differences of such times, of many hosts in a row,
// are far from the end of 64 bits.
inline constexpr std::uint64_t kLatestTime = std::uint64_t{1} << 50U;  // us, 35 years

}  // namespace podroute
