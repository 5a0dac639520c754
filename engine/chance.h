// Whether a total loss may be part of a heavy one: of few packets, chance takes all.
#pragma once

#include <cstdint>
#include <span>

namespace podroute {

// Packets that came to a place of loss, and those of them that left it.
struct Passage {
    std::uint32_t came = 0, left = 0;

    std::uint32_t lost() const { return came - left; }
};

// Whether what passes packets like that may, with 5 % probability or more, take `packets` in a row.
bool may_take_all(const Passage& passage, std::uint32_t packets);

// Whether as many of these are taken altogether as chance would take at the rate at which the others pass.
// False if none passes anything.
bool taken_by_chance(std::span<const Passage> passages);

}  // namespace podroute
