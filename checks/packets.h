// What the checks about packets share.
#pragma once

#include <set>
#include <string>

#include "engine/expected.h"
#include "engine/probe_finding.h"
#include "model/verdict.h"

namespace podroute {

// Hosts on which a CNI with a datapath of its own runs: what happens to packets there shows in no table.
std::set<HostId> foreign_datapaths(const Snapshot& snapshot);

// A verdict about an ordered pair, under the name of its source.
Verdict pair_verdict(const Inventory& inventory, const ProbedFlow& flow, Status status, std::string message);
// Where a packet was lost at an end with a foreign datapath: unknown, for that reason. Else as it is.
Verdict unless_foreign(Verdict verdict, const std::set<HostId>& foreign);
// Of a flow of which nothing is known: blocked by what kept the pods of its ends from being opened.
Verdict unknown_pair(const Snapshot& snapshot, const Expected& expected, const ProbedFlow& flow);

// How many synthetic pods were opened for this network of the host.
std::size_t pods_opened(const Snapshot& snapshot, const HostId& host, const Prefix& cidr);
// One was opened, but none beside it for packets between pods of the host, though there is room and such
// packets were asked for.
bool lacks_second_pod(const Snapshot& snapshot, const HostId& host, const Prefix& cidr);
// The code of why none was: what is wrong with the host's own network, where that is why, else
// "probe-unavailable".
std::string why_no_pod(const Snapshot& snapshot, const Expected& expected, const InventoryHost& host);

}  // namespace podroute
