// Machines that share an address, as dumps, neighbour tables and answers to solicitations show it.
#pragma once

#include <span>
#include <vector>

#include "engine/neighbours.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

struct Duplicate {
    HostId owner;     // whose inventory address it is about
    HostId other;     // the machine it shares with; the owner itself where that is outside the inventory
    Address address;  // that address
    Cause cause;      // on the host whose state must change
};

// One entry for each pair of culprit and subject, in file order of the owners.
std::vector<Duplicate> find_duplicates(const Snapshot& snapshot);

// Entries of neighbours that did not resolve while others asked for the addresses of this host: once it is
// mended they will. Part of a remedy, so that walks can be predicted.
std::vector<HostChange> heard_again(const Inventory& inventory, std::span<const SilentNeighbour> silent,
                                    const InventoryHost& host);

// Whether the neighbour trouble between these two may come from one of the duplicates.
bool concerns(const std::vector<Duplicate>& duplicates, const HostId& a, const HostId& b);

}  // namespace podroute
