// What the packets of one flow amount to: what its check says, and what a cause has to explain.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/probe_facts.h"

namespace podroute {

enum class Finding : std::uint8_t {
    fine,
    rewritten,  // works, but the target saw another source
    few_lost,   // some lost, not certainly more than the policy allows
    many_lost,  // some lost, certainly more
    filtered,   // no echo came through, but TCP of the same pair did
    lost,
    unknown
};

// facts: the flow's own, for the other protocols of its pair.
Finding finding_of(const ProbeFacts& facts, const ProbedFlow& flow, std::uint32_t max_loss_ppm);

// Who answered packets whose hop limit ended there, by hop limit.
struct HopAnswer {
    std::uint8_t hop = 0;
    Address address;
    HostId host;  // that carries the address; empty: none of the inventory
};
std::vector<HopAnswer> hop_answers(const Snapshot& snapshot, const ProbedFlow& flow);

// The hosts other than the two ends that a flow which works passed: they sent its packets on, or answered
// those whose hop limit ended there. Addresses of no host of the inventory are left out.
std::vector<HostId> detour(const Snapshot& snapshot, const ProbedFlow& flow);

// Answers came back, not resets, though nothing arrived: its packets were led to another end.
bool somebody_else_answers(const ProbedFlow& flow);
// ICMP 3/4, ICMPv6 2.
bool too_big(const Objection& objection, Family family);
// A destination unreachable other than too big.
bool unreachable(const Objection& objection, Family family);
// ICMP 3/0 and 3/1, ICMPv6 1/0 and 1/3: what a kernel says that has no route, or whose neighbour does not
// answer, and hardly ever a firewall.
bool knows_no_way(const Objection& objection);

}  // namespace podroute
