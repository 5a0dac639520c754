// The round that looks closer at what the main round lost. Pure.
#pragma once

#include <optional>

#include "model/prober.h"

namespace podroute {

// All probes of a pair and protocol with a loss, counted over both rounds.
inline constexpr std::uint32_t kLossSample = 20;
// Bounds of the round, over all hosts: captures on every link see each probe several times.
inline constexpr std::size_t kMaxTopUps = 2'000;    // flows that get the rest of kLossSample
inline constexpr std::size_t kMaxEvidence = 4'000;  // flows
inline constexpr std::size_t kMaxLadders = 200;     // pairs whose size is looked for
inline constexpr std::size_t kMaxLegs = 500;        // next hops

// Of each pair and protocol with any loss the rest of kLossSample, 20 ms apart (closer where --timeout is too
// short for that), those that lost only some first. Of pairs that got nothing through: evidence, and
// (Policy::trace) hop limits and captures on every host. Of pairs that lost a packet of full size while small
// ones passed: the MTU it was told, and usual ones. Next hops that did not deliver,
// once more. Nothing if nothing was lost.
std::optional<RoundPlan> plan_detail_round(const Snapshot& snapshot);

}  // namespace podroute
