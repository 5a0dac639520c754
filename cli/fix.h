// verify --fix: plan from what was seen, change the hosts, and see again.
#pragma once

#include <functional>
#include <stop_token>

#include "cli/options.h"
#include "cli/session.h"
#include "hosts/repair.h"
#include "model/snapshot.h"

namespace podroute::cli {

// Told the plan before the first change, so that a run that is killed leaves word of what it may have done.
// Where that fails, nothing is changed.
using Announce = std::function<Result<void>(const std::vector<Fix>&)>;

// Observes, plans, announces and repairs. What is returned was seen after the last change, with what became
// of each fix in its `fixes`; of a dry run, what was seen, with the plan. A dry run changes nothing, not even
// what a dead run left.
Snapshot fix_cluster(Session& session, const Snapshot& start, const FixOptions& options,
                     const Announce& announce, const std::stop_token& cancel);

// Finishes what dead runs left on the hosts, as fixes with the cause "recovered" (their text is by the facts
// of `names`, read before or after).
using RecoveredHosts = std::map<HostId, Observed<Recovered>>;
std::vector<Fix> recovered_fixes(const RecoveredHosts& recovered, const Snapshot& names);
// Refuses what is planned on hosts whose journal could not be looked at.
void refuse_unrecovered(const RecoveredHosts& recovered, std::vector<Fix>& fixes);

}  // namespace podroute::cli
