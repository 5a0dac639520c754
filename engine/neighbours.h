// What is known of the neighbours of one host: its table, and what solicitations sent in the rounds brought.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/asked_neighbours.h"
#include "model/snapshot.h"

namespace podroute {

struct NeighbourState {
    bool wrong = false;       // PERMANENT, and none of those who answer has its MAC
    bool unresolved = false;  // neither the kernel nor frames of ours got an answer
    std::string entry_mac;    // of the table
    std::string answer_mac;   // the first of those who answered
};

class Neighbours {
  public:
    Neighbours(const HostFacts& facts, const Snapshot& snapshot, const HostId& host);
    // Nothing known is neither wrong nor unresolved.
    NeighbourState state(const Address& address, std::uint32_t ifindex) const;
    // The table's entry, null if there is none.
    const Neighbour* entry(const Address& address, std::uint32_t ifindex) const;

  private:
    using Key = std::pair<Address, std::uint32_t>;
    std::map<Key, const Neighbour*> table_;
    AskedNeighbours asked_;
};

// A neighbour that is known not to answer one of the hosts.
struct SilentNeighbour {
    HostId observer;
    Address address;
    std::uint32_t ifindex = 0;
};
// Of all hosts, by observer and address.
std::vector<SilentNeighbour> silent_neighbours(const Snapshot& snapshot);

}  // namespace podroute
