// Plans the rounds that follow the facts: are the next hops towards the pod networks there, and are they who
// they should be?
#pragma once

#include "model/prober.h"

namespace podroute {

// For each host and each next hop with a gateway in its FIB answers towards the pod CIDRs of peers, where the
// gateway is an inventory node address or an address that the CIDR's owner carries; and for each control host
// on the link of a host with pods:
//   - solicit it, unless the neighbour entry is already confirmed (reachable, permanent or without address
//     resolution);
//   - ask everybody who has it (ARP, neighbour solicitation) where the entry's MAC is none of its owner's;
//   - ask who has the entry's MAC whether it is still there, where the entry is not confirmed: the kernel
//   sends
//     packets by what it holds for some seconds before it asks, and questions of the neighbour's own renew
//     the entry, so that what a run sees would hang on the moment.
// Besides, each host asks everybody who has the address of the host that follows it in the inventory: one
// frame a host, so that two machines with one address are both heard whatever the tables hold. Nothing is
// asked about a gateway whose owner's facts are unknown: that it does not answer says nothing new.
//
// One round where all answer; a second where a host that knew nobody learned of a neighbour by that one's own
// question meanwhile. Whose entry is not confirmed and who did not answer is asked again, a round a question,
// until that is no chance. Pure and without state.
class NeighbourProber final : public Prober {
  public:
    // The next round, while the snapshot holds none of another stage and there is something to ask.
    std::optional<RoundPlan> next(const Snapshot& snapshot) override;
    // True when every address asked for has an answer. A second machine that answers for the same address
    // does so within the time that this host's reply and the round's closing collection take on the way; it
    // is not waited for beyond that.
    bool complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) override;
    // Only what was asked for is taken from what a host sends.
    RoundResult read(const RoundPlan& plan, const Caught& caught) override;
};

// Bounds of one host's task. The kernel's neighbour table holds 1,024 entries by default, and hosts have
// others than peers in it.
inline constexpr std::size_t kMaxSolicitations = 512;
inline constexpr std::size_t kMaxQuestions = 128;
inline constexpr std::size_t kMaxMacs = 16;  // kept of those who answer for one address

}  // namespace podroute
