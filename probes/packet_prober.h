// Plans the rounds in which packets are sent, and reads them.
//
//   pods     opens synthetic pods; again, with other addresses, where a host refused one (kMaxPodAttempts)
//   main     every pair that may raise an alarm: small probes by each protocol, one of full size; one for
//            each leg of a route with several next hops
//   detail   only where the main round lost something: more probes for the count, evidence from nodes, sizes
//            that may pass, hop limits; and every host listens for where packets stop
//
// Three rounds and not one for each question, because each costs the wait for answers that do not come.
#pragma once

#include <optional>

#include "model/prober.h"
#include "probes/settled.h"

namespace podroute {

// So many that there is nearly always a pod in a network of which three quarters are taken, even where
// nothing tells of those addresses but that somebody answers. The later ones go without the second pod: two
// at once are refused more often.
inline constexpr unsigned kMaxPodAttempts = 16, kPodAttemptsForTwo = 13;

// Pure: what it plans follows from the snapshot alone, and its random choices from the run's id. It only
// remembers, between calls of complete(), how far it has read. Plans nothing if Policy::layers names none of
// icmp, tcp, udp, mtu and path.
class PacketProber final : public Prober {
  public:
    std::optional<RoundPlan> next(const Snapshot& snapshot) override;
    bool complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) override;
    RoundResult read(const RoundPlan& plan, const Caught& caught) override;

  private:
    std::optional<Settled> settled_;
    std::uint16_t settled_tag_ = 0;
};

// One prober after the other; each begins when the one before has no more to ask. None is owned.
class ProberChain final : public Prober {
  public:
    explicit ProberChain(std::vector<Prober*> probers) : probers_(std::move(probers)) {}
    std::optional<RoundPlan> next(const Snapshot& snapshot) override;
    bool complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) override;
    RoundResult read(const RoundPlan& plan, const Caught& caught) override;

  private:
    std::vector<Prober*> probers_;
    std::size_t current_ = 0;
};

}  // namespace podroute
