// Faults that packets show, an entry each; the flows that they befall are counted into them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/crossings.h"
#include "engine/places.h"
#include "model/report.h"

namespace podroute {

struct PacketFault {
    Cause cause;
    std::set<Protocol> protocols;
    std::vector<std::string> affects, lines;  // ids of checks; a line of evidence of the first flows
    std::size_t flows = 0, failed = 0;
    Passage passage;                 // of the legs that failed
    bool no_way = false;             // a kernel said so
    std::set<std::string> drops_at;  // interfaces of its host at which a flow was last seen, all of it
    std::set<Crossing> stops;        // ways through its host that a flow took, all of it
    std::set<std::string> together_with;
};

class PacketFaults {
  public:
    static constexpr std::size_t kMaxLines = 4;  // of one kind of evidence

    // All must outlive it.
    PacketFaults(const Snapshot& snapshot, const ProbeFacts& facts, Places& places)
        : snapshot_(snapshot), facts_(facts), places_(places) {}

    // That of this code, host and subject; a new one if there is none. An empty subject becomes the protocols
    // that it befalls. Stays where it is until the next one is made.
    PacketFault& at(const std::string& code, const HostId& host, const std::string& subject);
    // Null if there is none.
    const PacketFault* find(const std::string& code, const HostId& host, const std::string& subject) const;
    std::vector<PacketFault>& all() { return faults_; }
    // `failed`: the flow is a failed probe that it explains. `more` ends its line of evidence.
    void count(PacketFault& fault, const ProbedFlow& flow, const std::string& check_id, bool failed,
               const std::string& more = {});
    // What became of a flow, as evidence.
    std::string line(const ProbedFlow& flow);
    // As evidence, who did not listen.
    static void add_deaf(PacketFault& fault, const Place& place);

    // Nothing is added afterwards but to the faults that stand.
    void settle();
    // A failed flow that other causes explain, `with` their ids: what is known to drop all such packets stops
    // it as well. The ids of those.
    std::vector<std::string> add_stopped_too(const ProbedFlow& flow, const std::string& check_id,
                                             const std::vector<std::string>& with);
    // The ids of the faults that a check which was counted stands under. It fails for those of `with`, too.
    std::vector<std::string> add_companions(const std::string& check_id,
                                            const std::vector<std::string>& with);
    std::vector<Diagnosis> take();

  private:
    const Snapshot& snapshot_;
    const ProbeFacts& facts_;
    Places& places_;
    std::vector<PacketFault> faults_;
    std::map<std::tuple<std::string, HostId, std::string>, std::size_t> index_;
    // Once settled.
    std::set<Crossing> passed_;
    std::unordered_map<std::string, std::vector<std::size_t>> by_check_;
};

}  // namespace podroute
