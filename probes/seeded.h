// Random choices that can be made again: everything a run picks follows from its id and from how often it
// observed.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/snapshot.h"

namespace podroute {

// FNV-1a, continued from `from`.
constexpr std::uint64_t hash_of(std::string_view text, std::uint64_t from = 0xcbf29ce484222325) {
    for (const char c : text) from = (from ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return from;
}

// Of one observation: the next one of the run picks other pods, and none of its probes is one of these.
constexpr std::uint64_t seed_of(const RunInfo& run) {
    return hash_of(run.id) + run.observation;
}

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere, unlike the standard's distributions.
class Seeded {
  public:
    explicit constexpr Seeded(std::uint64_t seed) : state_(seed) {}
    constexpr std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t z = state_;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }
    // 0 .. n-1; n not 0. The bias is below n / 2^64.
    constexpr std::uint64_t below(std::uint64_t n) { return next() % n; }

  private:
    std::uint64_t state_;
};

}  // namespace podroute
