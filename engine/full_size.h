// What packets of full size amount to: whether the way takes them, and what says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/probe_facts.h"

namespace podroute {

// The sizes of one ordered pair. Sent as echo; as SYNs with a payload where a filter takes every echo.
struct FullSize {
    const ProbedFlow* largest = nullptr;  // what was tried first
    const ProbedFlow* passing = nullptr;  // the largest of which some came through, null if none did
    std::uint32_t named_mtu = 0;          // by a fragmentation needed or Packet Too Big; 0: none came
    std::size_t tried = 0;                // sizes
};
// One for each pair, in the order of probing.
std::vector<FullSize> full_sizes(const ProbeFacts& facts);

enum class SizeFinding : std::uint8_t {
    passes,
    passes_as_named,  // a size that a router named does
    few_lost,         // of full size some are lost, as Finding has it
    many_lost,
    swallowed,  // small ones pass, and of these none
    untold,     // lost, but too few were sent to tell whether for their size
    hidden,     // small ones are lost as well, and not clearly fewer
    unknown
};
// facts: those the sizes are from, for the small packets of the pair.
SizeFinding finding_of(const ProbeFacts& facts, const FullSize& sizes, std::uint32_t max_loss_ppm);

}  // namespace podroute
