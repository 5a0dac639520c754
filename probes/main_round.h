// The round in which every pair is probed. Pure.
#pragma once

#include <vector>

#include "model/prober.h"
#include "probes/pairs.h"
#include "probes/round_builder.h"

namespace podroute {

// The protocols that Policy asks for, by --protocol and --layer; none if no layer of packets is judged.
std::vector<Protocol> probed_protocols(const Policy& policy);
// Whether packets of full size are asked for.
bool probes_sizes(const Policy& policy);

RoundPlan plan_main_round(const Snapshot& snapshot);

// Probes with a small hop limit for these pairs, within what routers answer: kernels send about 6 ICMP errors
// in a burst and then one a second to one source. So at most kMaxTraced pairs of one source and of one
// target; the hops of the others are known from captures. An hop after the other.
inline constexpr std::uint32_t kHopSpacing = 20'000;  // us
void add_hop_limits(RoundBuilder& builder, std::span<const SitePair> pairs, Protocol protocol,
                    std::uint32_t spacing_us = kHopSpacing);
inline constexpr std::size_t kMaxTraced = 5;
inline constexpr std::uint8_t kMaxHops = 4;  // pod, own node, a router of the fabric, the peer, pod

}  // namespace podroute
