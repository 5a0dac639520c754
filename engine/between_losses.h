// What is lost between hosts belongs together: it is looked at when all of it is known.
#pragma once

#include <string>
#include <vector>

#include "engine/fabric.h"
#include "engine/packet_faults.h"

namespace podroute {

class BetweenLosses {
  public:
    // All must outlive it.
    BetweenLosses(const Snapshot& snapshot, const ProbeFacts& facts, Places& places)
        : snapshot_(snapshot), facts_(facts), places_(places) {}

    // All of a flow left a host and entered none, or entered one that it is not for. `sender` and `target`:
    // the hosts between which it was, its ends or a third that tables lead it through.
    void add_dropped(const ProbedFlow& flow, const HostId& sender, const HostId& target,
                     const std::string& check_id);
    void add_misrouted(const ProbedFlow& flow, const HostId& led_to, const std::string& check_id);
    // A part of a flow, or large packets, lost there or nobody knows where. `more` ends its line of evidence.
    void add_part(const ProbedFlow& flow, bool certain, const Place& place, const std::string& check_id);
    void add_large(const ProbedFlow& flow, std::string more, const Place& place, const std::string& check_id);

    void take(PacketFaults& faults);

  private:
    struct Loss {
        const ProbedFlow* flow;
        bool certain;
        std::string check_id, more;
        Place place;

        const HostId& sender() const { return flow->sender(); }
        const HostId& target() const { return flow->target(); }
    };
    struct Shared {
        HostId host;  // empty: none stands out
        std::vector<Loss> losses;
    };
    struct Misrouted {
        FabricLoss loss;  // its target is the host that it was led to
        std::string check_id;
    };

    static std::vector<Shared> by_host(std::vector<Loss> left);
    static void add_shared(PacketFaults& faults, const Shared& group, const Loss& loss);
    static void add_shared_size(PacketFaults& faults, const Shared& group, const Loss& loss);
    void join_by_chance();
    void take_fabric(PacketFaults& faults);
    void take_misrouted(PacketFaults& faults);
    void take_shared(PacketFaults& faults);

    const Snapshot& snapshot_;
    const ProbeFacts& facts_;
    Places& places_;
    std::vector<Loss> parts_, large_;
    std::vector<FabricLoss> fabric_;
    std::vector<std::string> fabric_checks_;
    std::vector<Misrouted> misrouted_;
};

}  // namespace podroute
