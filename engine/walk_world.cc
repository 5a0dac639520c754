// Built once for each snapshot; only what an overlay touches is built for each walk.
#include "engine/walk_world.h"

#include <algorithm>
#include <map>

namespace podroute {

WalkWorld::WalkWorld(const Snapshot& snapshot) : snapshot_(snapshot) {
    const Prefix loopback{Address::v4(0x7f000000U), 8};
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const auto facts = snapshot.hosts.find(host.name);
        if (facts == snapshot.hosts.end() || !facts->second.known()) continue;
        hosts_.emplace(host.name, std::make_unique<WalkHost>(snapshot, host, *facts->second));
        if (!facts->second->addresses.known()) continue;
        for (const InterfaceAddress& address : *facts->second->addresses)
            if (!loopback.contains(address.address)) carriers_[address.address].push_back(host.name);
    }
}

void WalkWorld::set_overlay(std::span<const HostChange> overlay) {
    overlaid_.clear();
    std::map<HostId, std::vector<Change>> by_host;
    for (const HostChange& change : overlay) by_host[change.host].push_back(change.change);
    for (const auto& [host, changes] : by_host) {
        const auto at = hosts_.find(host);
        if (at != hosts_.end()) overlaid_.emplace(host, std::make_unique<WalkHost>(*at->second, changes));
    }
}

const WalkHost* WalkWorld::find(const HostId& host) const {
    if (const auto at = overlaid_.find(host); at != overlaid_.end()) return at->second.get();
    const auto at = hosts_.find(host);
    return at != hosts_.end() ? at->second.get() : nullptr;
}

std::string WalkWorld::unread_code(const HostId& host) const {
    const auto facts = snapshot_.hosts.find(host);
    const bool known = facts == snapshot_.hosts.end() || facts->second.known();
    return known ? "" : facts->second.unknown().code;
}

Prefix WalkWorld::network_of(const Endpoint& endpoint) const {
    const InventoryHost* host = snapshot_.inventory.find(endpoint.host);
    if (host != nullptr && endpoint.vantage == Vantage::pod)
        for (const Prefix& cidr : host->pod_cidrs)
            if (cidr.contains(endpoint.address)) return cidr;
    return Prefix::host(endpoint.address);
}

std::optional<HostId> WalkWorld::carrier_of(const Address& next_hop, const HostId& destination) const {
    const auto at = carriers_.find(next_hop);
    if (at == carriers_.end()) return std::nullopt;
    const auto& names = at->second;
    const InventoryHost* owner = snapshot_.inventory.owner_of(next_hop);
    for (const HostId& wanted : {owner != nullptr ? owner->name : HostId{}, destination})
        if (std::find(names.begin(), names.end(), wanted) != names.end()) return wanted;
    return names.front();
}

std::uint32_t WalkWorld::entry_link(const HostId& carrier, const Address& next_hop) const {
    const WalkHost* host = find(carrier);
    if (host != nullptr && host->facts().addresses.known())
        for (const InterfaceAddress& address : *host->facts().addresses)
            if (address.address == next_hop) return address.ifindex;
    return kFutureLink;
}

}  // namespace podroute
