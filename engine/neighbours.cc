// Judges neighbour entries by what answered when it was asked.
#include "engine/neighbours.h"

#include <algorithm>

#include "model/mac.h"

namespace podroute {

Neighbours::Neighbours(const HostFacts& facts, const Snapshot& snapshot, const HostId& host)
    : asked_(asked_neighbours(snapshot, host)) {
    if (facts.neighbours.known())
        for (const Neighbour& entry : *facts.neighbours) table_[{entry.address, entry.ifindex}] = &entry;
}

const Neighbour* Neighbours::entry(const Address& address, std::uint32_t ifindex) const {
    const auto at = table_.find({address, ifindex});
    return at == table_.end() ? nullptr : at->second;
}

NeighbourState Neighbours::state(const Address& address, std::uint32_t ifindex) const {
    NeighbourState state;
    const Neighbour* known = entry(address, ifindex);
    const auto asked = asked_.find({address, ifindex});
    if (known != nullptr) state.entry_mac = known->mac;
    if (asked == asked_.end()) return state;
    const auto& macs = asked->second.macs;
    if (!macs.empty()) state.answer_mac = macs.front();
    if (known != nullptr && known->permanent())
        state.wrong = !macs.empty() && std::none_of(macs.begin(), macs.end(), [&](const std::string& mac) {
            return same_mac(mac, known->mac);
        });
    else  // the kernel does not solicit what it holds for permanent
        state.unresolved = asked->second.silent();
    return state;
}

std::vector<SilentNeighbour> silent_neighbours(const Snapshot& snapshot) {
    std::vector<SilentNeighbour> out;
    for (const auto& [host, facts] : snapshot.hosts)
        for (const auto& [key, asked] : asked_neighbours(snapshot, host))
            if (asked.silent()) out.push_back({host, key.first, key.second});
    return out;
}

}  // namespace podroute
