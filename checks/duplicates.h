// Machines that share an address, as dumps, neighbour tables and answers to solicitations show it.
#pragma once

#include <vector>

#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

struct Duplicate {
    HostId owner;     // whose inventory address it is about
    Address address;  // that address
    Cause cause;      // on the host whose state must change
};

// One entry for each pair of culprit and subject, in file order of the owners.
std::vector<Duplicate> find_duplicates(const Snapshot& snapshot);

// Whether the neighbour trouble between these two may come from one of the duplicates.
bool concerns(const std::vector<Duplicate>& duplicates, const HostId& a, const HostId& b);

}  // namespace podroute
