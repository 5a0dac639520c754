// What the report says of packets: counts of each probe, and the way they took.
#pragma once

#include <set>
#include <vector>

#include "engine/places.h"
#include "model/report.h"

namespace podroute {

// Verdict-bearing ones first, then evidence and full-size packets, each in the order of probing. Of `replies`
// it is known that it is the answers which are lost.
std::vector<ProbeReport> probe_reports(const ProbeFacts& facts, Places& places,
                                       const std::set<const ProbedFlow*>& replies = {});
ProbeCounts count_probes(const std::vector<ProbeReport>& probes);

// Both legs of every pair whose packets were seen on their way, instead of what `by_tables` says of the same
// legs; of a pair that failed in several protocols the first. At most kMaxPaths, failed ones first.
std::vector<PathReport> packet_paths(const Snapshot& snapshot, const ProbeFacts& facts, Places& places,
                                     std::vector<PathReport> by_tables);

}  // namespace podroute
