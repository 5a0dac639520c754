// The observation: reads every host once, then runs the rounds that the planner asks for. The only loop.
#pragma once

#include <stop_token>

#include "hosts/fleet.h"
#include "model/prober.h"
#include "model/snapshot.h"

namespace podroute {

// `start` holds run, policy and inventory (the fleet's). A host that fails in a round is Unknown in that
// round, and the others go on. When cancelled, what is there is returned with run.cancelled set. May be
// called again on one fleet, with a start and a prober of its own: the same sessions, read anew.
Snapshot observe(Fleet& fleet, Snapshot start, Prober& prober, const std::stop_token& cancel,
                 const Progress& progress = {});

}  // namespace podroute
