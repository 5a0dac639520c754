// Links and addresses, as the host's dumps tell.
#include "checks/own_bridge.h"

#include <algorithm>

#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {

const Link* pod_bridge(const HostFacts& facts, const InventoryHost& host) {
    const auto index = roles(facts, host).pod_bridge;
    return index ? find_link(facts, *index) : nullptr;
}

std::vector<const InterfaceAddress*> addresses_of(const HostFacts& facts, const Link& link, Family family) {
    std::vector<const InterfaceAddress*> found;
    if (!facts.addresses.known()) return found;
    for (const InterfaceAddress& address : *facts.addresses)
        if (address.ifindex == link.index && address.address.family() == family &&
            !address.address.is_link_local())
            found.push_back(&address);
    return found;
}

std::vector<const InterfaceAddress*> foreign_addresses(const HostFacts& facts, const InventoryHost& host,
                                                       const Link& bridge, Family family) {
    auto found = addresses_of(facts, bridge, family);
    const bool right = std::any_of(found.begin(), found.end(), [&](const InterfaceAddress* address) {
        return std::find(host.pod_cidrs.begin(), host.pod_cidrs.end(), address->network()) !=
               host.pod_cidrs.end();
    });
    if (right) found.clear();
    return found;
}

std::vector<Prefix> foreign_bridge_networks(const HostFacts& facts, const InventoryHost& host) {
    std::vector<Prefix> networks;
    const Link* bridge = pod_bridge(facts, host);
    if (bridge == nullptr) return networks;
    for (const Prefix& cidr : host.pod_cidrs)
        for (const InterfaceAddress* address : foreign_addresses(facts, host, *bridge, cidr.family()))
            networks.push_back(address->network());
    return networks;
}

const Link* bridge_with(const HostFacts& facts, const InventoryHost& host, const Prefix& cidr) {
    const Link* bridge = pod_bridge(facts, host);
    if (bridge == nullptr) return nullptr;
    const auto addresses = addresses_of(facts, *bridge, cidr.family());
    const bool has = std::any_of(addresses.begin(), addresses.end(),
                                 [&](const InterfaceAddress* a) { return a->network() == cidr; });
    return has ? bridge : nullptr;
}

}  // namespace podroute
