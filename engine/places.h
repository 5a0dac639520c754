// Where on its way a packet was last seen: sightings put in order, from pod to pod.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/probe_facts.h"

namespace podroute {

// The stages of one leg, in the order a packet passes them.
enum class Stage : std::uint8_t {
    sender_link,    // the pod's link on the host it starts from
    sender_bridge,  // its pod bridge
    sender_uplink,  // out of the uplink
    other_entered,  // into the uplink of a host that is neither end
    other_left,     // and out of it again
    entered,        // into the uplink of the host it is for
    target_bridge,  // its pod bridge
    target_link     // the pod's link
};

struct Seen {
    Stage stage = Stage::sender_link;
    HostId host;
    std::string interface;
    bool leaving = false;
    std::uint32_t count = 0;  // packets; those that are meant to die on the way show the way and do not count
};

// Where a leg ends.
enum class PlaceKind : std::uint8_t {
    nowhere,    // captures do not tell
    inside,     // it entered `host`, or started there, and did not leave
    between,    // it left an uplink of `host`, and entered no host, as far as hosts listened
    elsewhere,  // it entered `host`, which it is not for
};
struct Place {
    PlaceKind kind = PlaceKind::nowhere;
    HostId host;
    std::string interface;  // of the last sighting; empty: there was none
    // Of `nowhere` the host that would tell, had it listened on its uplinks; of `between` those, other than
    // the one it is for, that it may have entered unseen.
    std::vector<HostId> deaf{};
    std::vector<HostId> maybe{};       // of `nowhere`, the ends of the leg that it may have ended inside of
    ProbeLeg leg = ProbeLeg::request;  // that was seen there last
};
// Packets of a leg that ended there.
struct LossAt {
    Place place;
    std::uint32_t packets = 0;
};

// API: make one for a snapshot; it keeps which links are uplinks and bridges. Thread-compatible.
class Places {
  public:
    explicit Places(const Snapshot& snapshot);
    ~Places();
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;

    // Every sighting of one leg, in order, joined over all results.
    std::vector<Seen> seen(const ProbedFlow& flow, ProbeLeg leg);
    // Where the packets of one leg ended that did not come through, of all rounds; each place once. Each
    // round tells of its own packets alone, by the captures that stood in it.
    std::vector<LossAt> losses(const ProbedFlow& flow, ProbeLeg leg);
    // How many packets of the leg that failed came to a host that is one of its ends, and did not end inside
    // of it. Those that nobody can place are taken to have ended there if they may have.
    Passage passage(const ProbedFlow& flow, const HostId& host);
    // Where most of the leg that failed ended, of those packets of which captures tell; else nowhere.
    Place place(const ProbedFlow& flow);
    // As the report has it; nothing for a flow that works or if nobody knows where. A packet of full size
    // stops where all small ones of its pair do. The facts are the flow's own.
    std::optional<StoppedAt> stopped_at(const ProbedFlow& flow, const ProbeFacts& facts);

  private:
    struct Links;
    const Links& links(const HostId& host);
    Stage stage_of(const Sighting& sighting, const HostId& sender, const HostId& target);
    std::vector<Seen> ordered(std::span<const RoundSays> rounds, const ProbedFlow& flow, ProbeLeg leg);
    bool listened(std::span<const RoundSays> rounds, const HostId& host);
    const std::set<HostId>& deaf_in(const RoundResult& round);
    std::vector<HostId> deaf_in_all(std::span<const RoundSays> rounds, const HostId& but);
    Place unanswered(std::span<const RoundSays> rounds, const ProbedFlow& flow, ProbeLeg leg);
    Place end_of(const std::vector<Seen>& seen, std::span<const RoundSays> rounds, const ProbedFlow& flow,
                 ProbeLeg leg);
    Place end(const std::vector<Seen>& seen, std::span<const RoundSays> rounds, const ProbedFlow& flow,
              ProbeLeg leg);
    std::vector<HostId> maybe_inside(const std::vector<Seen>& seen, std::span<const RoundSays> rounds,
                                     const ProbedFlow& flow, ProbeLeg leg);
    Place end_of_way(const ProbedFlow& flow, ProbeLeg leg);

    const Snapshot& snapshot_;
    std::map<HostId, std::unique_ptr<Links>> links_;
    std::map<const RoundResult*, std::set<HostId>> deaf_;
};

}  // namespace podroute
