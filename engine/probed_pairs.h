// The failed and warning checks about packets, by the pair that they are about.
#pragma once

#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "engine/probe_finding.h"
#include "engine/walk.h"
#include "model/report.h"

namespace podroute {

struct PairProbe {
    const ProbedFlow* flow = nullptr;
    Finding finding = Finding::unknown;
    Status status = Status::unknown;  // of its check
    std::string check_id;
};
struct ProbedPair {
    Flow flow;  // from one synthetic pod to the other
    std::vector<PairProbe> probes;

    bool all_pass() const;
};

class ProbedPairs {
  public:
    // All must outlive it. Flows without a check (options left it out) are left out.
    ProbedPairs(const Snapshot& snapshot, const ProbeFacts& facts, std::span<const Verdict> verdicts,
                std::span<const std::string> check_ids);

    // The pair of the same hosts and networks, whatever addresses the pods have; null if none was probed.
    const ProbedPair* find(const Flow& flow) const;
    const std::vector<ProbedPair>& all() const { return pairs_; }
    // The status and id of the check of this code about this flow; null if there is none.
    const std::pair<Status, std::string>* check(std::string_view code, const ProbedFlow& flow) const;
    const PairCounts& counts() const { return counts_; }  // explained is left 0

  private:
    void add(const ProbeFacts& facts, const ProbedFlow& flow, std::string_view code);
    using Key = std::tuple<HostId, Prefix, HostId, Prefix>;
    Key key_of(const Endpoint& source, const Endpoint& destination) const;
    Prefix network_of(const Endpoint& endpoint) const;

    const Snapshot& snapshot_;
    std::vector<ProbedPair> pairs_;
    std::map<Key, std::size_t> index_;
    std::map<std::tuple<std::string, HostId, std::string>, std::pair<Status, std::string>> checks_;
    PairCounts counts_;
};

}  // namespace podroute
