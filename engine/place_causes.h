// Causes that explain a lost packet by where it was lost, not by a walk over tables.
#pragma once

#include <optional>
#include <span>

#include "engine/fold.h"
#include "engine/places.h"

namespace podroute {

// The cause that halts packets inside the host in which this flow was lost, whoever routes: forwarding,
// links, the host's own networks. An index.
std::optional<std::size_t> cause_inside(std::span<const FoldedCause> causes, const Place& place);

// The table that is full on the host in which this flow was lost: what finds no place in it is dropped
// without a word. Not where something objected. An index.
std::optional<std::size_t> cause_of_full_table(std::span<const FoldedCause> causes, const ProbedFlow& flow,
                                               const Place& place);

// The cause why packets to a host end at another machine: both have its address or its MAC. Not where all of
// the flow is known to have been lost inside a host. An index.
std::optional<std::size_t> cause_of_other_machine(const Inventory& inventory,
                                                  std::span<const FoldedCause> causes, const ProbedFlow& flow,
                                                  const Place& place);

}  // namespace podroute
