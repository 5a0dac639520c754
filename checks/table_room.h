// How much room is left in one of the kernel's bounded tables.
#pragma once

#include <cstdint>
#include <limits>

namespace podroute {

enum class Room : std::uint8_t { enough, little, none };

// Little: nineteen of twenty places are taken. A full table is never quite full when it is read, as entries
// leave it all the time.
inline Room room_of(std::uint64_t taken, std::uint64_t limit) {
    if (taken >= limit) return Room::none;
    return taken >= limit - limit / 20 ? Room::little : Room::enough;
}

// The limit to advise: twice as much, as far as a sysctl takes it.
inline int twice(int limit) {
    constexpr int kLargest = std::numeric_limits<int>::max();
    return limit > kLargest / 2 ? kLargest : limit * 2;
}

}  // namespace podroute
