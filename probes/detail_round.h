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

// Of each pair and protocol with any loss, and of each next hop, the rest of kLossSample, 20 ms apart (closer
// where --timeout is too short for that), those pairs that lost only some first; of a pair that has as many
// already (Policy::count), 17 more where only this round watches paths. Of pairs that got nothing
// through: evidence, and (Policy::trace) hop limits and captures on every host. Of pairs that lost a packet
// of full size while small ones passed: more of it, of the MTU it was told, and of usual ones; as SYNs with a
// payload where no echo passes and TCP does. Nothing if nothing was lost.
//
// Waits 4 times the largest round trip seen, from 50 up to 300 ms, or half as long again as that round trip
// where that is more. Of a pair whose own is more than that nothing is sent again: nothing would come back
// in time, and the loss is judged by what the main round has.
std::optional<RoundPlan> plan_detail_round(const Snapshot& snapshot);

}  // namespace podroute
