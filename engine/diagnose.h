// Folds what the checks put forward into the fewest causes that predict what is broken.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "engine/places.h"
#include "model/report.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

struct Diagnoses {
    std::vector<Diagnosis> list;    // most important first: error, warning, info; then by what they explain
    std::vector<PathReport> paths;  // legs of broken pairs, at most kMaxPaths
    PairCounts pairs;
    PairCounts probed;                    // ordered pairs and protocols that packets were sent for
    std::set<const ProbedFlow*> replies;  // whose answers the tables stop, though none was seen on its way
};

// What packets showed, and who routes.
struct Evidence {
    const ProbeFacts& probes;
    Places& places;
    Routing routing = Routing::host;
};

// Walks every verdict-bearing pair. A set of causes explains a broken pair if the walk passes with all their
// remedies and breaks again when one is withheld. A broken pair that no cause explains and that no unread
// host stands in yields `unexplained`, unless options left checks or hosts out, or its packets pass. Pairs of
// networks that overlap another are unknown. Where the fabric routes, nothing is walked.
//
// Where packets were sent, causes explain failed probes: those whose leg that was lost is broken by the
// tables too. A packet that is lost where the tables let it pass is a finding of its own (packet_causes.h).
// check_ids[i] is the report id of verdicts[i].
Diagnoses diagnose(const Snapshot& snapshot, std::span<const Verdict> verdicts,
                   std::span<const std::string> check_ids, const Evidence& evidence);

}  // namespace podroute
