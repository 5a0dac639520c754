// Causes that the tables show, and what is due to each: broken pairs and failed probes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/explain.h"
#include "engine/fold.h"
#include "engine/packet_faults.h"
#include "engine/probed_pairs.h"
#include "engine/walk_words.h"
#include "model/report.h"

namespace podroute {

class TableCauses {
  public:
    explicit TableCauses(std::vector<FoldedCause> causes) : causes_(std::move(causes)) {}

    const std::vector<FoldedCause>& all() const { return causes_; }
    // For the Explainer, that adds to them; indices stay those of their causes.
    std::vector<FoldedCause>& growing() { return causes_; }

    // A pair that the tables break. packets_pass: today they do not.
    void add_pair(const Flow& flow, const Explanation& explanation, bool packets_pass);
    // A check that fails for it, a failed probe.
    void add_check(std::size_t cause, const std::string& check_id);
    void add_probe(std::size_t cause, const std::string& check_id);
    // One that the tables break. by_packets: packets show another cause that stops it before these do.
    void add_broken_probe(const PairProbe& probe, const Explanation& explanation, bool by_packets);
    // A reverse path filter that drops only because a route is wrong is no cause of its own.
    void drop_filtered_routes();

    // A pair passes once all that breaks it is mended, whichever of it shows today: causes of tables and
    // faults of packets that befall the same probe name each other. Both are settled by then.
    void join(PacketFaults& faults);
    // In their order. `probed`: they explain failed probes, else broken pairs.
    std::vector<Diagnosis> take(bool probed);

  private:
    struct Tally {
        PairLines pairs;         // that it breaks
        std::size_t probes = 0;  // failed
        std::set<std::size_t> together;
        std::set<std::string> together_with;  // ids of faults that packets show
    };
    struct Broken {
        const PairProbe* probe;
        std::vector<std::size_t> causes;
        bool by_packets;
    };
    std::vector<std::string> ids() const;  // by index

    std::vector<FoldedCause> causes_;
    std::map<std::size_t, Tally> tallies_;  // by index into causes_
    std::vector<Broken> broken_;
    std::set<std::size_t> dropped_;
};

}  // namespace podroute
