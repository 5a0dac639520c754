// Of what was read of a host's firewall: where packets may end.
#pragma once

#include <vector>

#include "engine/probe_facts.h"
#include "model/snapshot.h"

namespace podroute {

// Chains at which packets of the flow may end on the leg that failed. Of the snapshot, which must outlive
// them.
std::vector<const FilterChain*> chains_on_the_way(const Snapshot& snapshot, const ProbedFlow& flow,
                                                  const HostId& host);
// Whether there are any. Of a snapshot that was recorded before chains were read, any rule at all.
bool has_rules(const Snapshot& snapshot, const ProbedFlow& flow, const HostId& host);
// Whether rules were read there that may give packets another source.
bool translates_sources(const Snapshot& snapshot, const HostId& host, Family family);

}  // namespace podroute
