// Which links of a host are its uplinks and which its pod bridge.
#include <algorithm>

#include "engine/classify.h"
#include "engine/fib.h"

namespace podroute {
namespace {

const Link* link_named(const HostFacts& facts, const std::string& name) {
    for (const Link& link : *facts.links)
        if (link.name == name) return &link;
    return nullptr;
}

// The bridge that the first CNI network names. Named but not there: before the first pod.
std::optional<std::string> configured_bridge(const HostFacts& facts) {
    if (!facts.cni.known()) return std::nullopt;
    for (const CniNetwork& network : facts.cni->networks)
        if (!network.bridge.empty()) return network.bridge;
    return std::nullopt;
}

std::optional<std::uint32_t> find_pod_bridge(const HostFacts& facts, const InventoryHost& host) {
    if (!facts.links.known() || host.pod_cidrs.empty()) return std::nullopt;
    if (const auto name = configured_bridge(facts)) {
        const Link* link = link_named(facts, *name);
        return link != nullptr ? std::optional(link->index) : std::nullopt;
    }
    if (facts.addresses.known()) {
        for (const InterfaceAddress& address : *facts.addresses)
            for (const Prefix& cidr : host.pod_cidrs)
                if (address.network() == cidr) return address.ifindex;
    }
    for (const char* name : {"cni0", "cnio0", "cbr0"})
        if (const Link* link = link_named(facts, name)) return link->index;
    return std::nullopt;
}

bool has_pods(const HostFacts& facts, std::uint32_t bridge) {
    return std::any_of(facts.links->begin(), facts.links->end(),
                       [&](const Link& link) { return link.master == bridge && link.kind == "veth"; });
}

// Subnets are written in the CNI configuration, and all of them are of the other family.
bool configured_without(const HostFacts& facts, Family family) {
    if (!facts.cni.known()) return false;
    const char other = family == Family::v4 ? ':' : '.';
    bool some = false;
    for (const CniNetwork& network : facts.cni->networks) {
        for (const std::string& subnet : network.subnets) {
            const bool v6 = subnet.find(':') != std::string::npos;
            if (subnet.find(other) == std::string::npos || v6 != (family == Family::v4)) return false;
            some = true;
        }
    }
    return some;
}

void add_once(std::vector<std::uint32_t>& links, std::uint32_t index) {
    if (index != 0 && std::find(links.begin(), links.end(), index) == links.end()) links.push_back(index);
}

}  // namespace

HostRoles roles(const HostFacts& facts, const InventoryHost& host) {
    HostRoles roles;
    if (facts.addresses.known()) {
        for (const InterfaceAddress& address : *facts.addresses)
            if (std::find(host.addresses.begin(), host.addresses.end(), address.address) !=
                host.addresses.end())
                add_once(roles.uplinks, address.ifindex);
    }
    roles.pod_bridge = find_pod_bridge(facts, host);
    roles.pods_attached = roles.pod_bridge && has_pods(facts, *roles.pod_bridge);
    return roles;
}

bool awaits_first_pod(const HostFacts& facts, const HostRoles& roles, Family family) {
    if (!roles.pod_bridge) return true;
    if (!facts.addresses.known()) return false;
    const bool carries =
        std::any_of(facts.addresses->begin(), facts.addresses->end(), [&](const InterfaceAddress& address) {
            return address.ifindex == *roles.pod_bridge && !address.address.is_link_local() &&
                   address.address.family() == family;
        });
    return !carries && (!roles.pods_attached || configured_without(facts, family));
}

HostRoles roles(const HostFacts& facts, const InventoryHost& host, const Inventory& inventory) {
    HostRoles found = roles(facts, host);
    const Fib fib(facts);
    if (!fib.known()) return found;
    for (const InventoryHost& peer : inventory.hosts) {
        if (peer.name == host.name) continue;
        for (const Address& address : peer.addresses) {
            if (!host.address(address.family())) continue;
            const FibMatch match = fib.lookup(output_query(address));
            if (match.answer.error != 0 || match.answer.type != RouteType::unicast) continue;
            for (const NextHop& hop : match.answer.next_hops) add_once(found.uplinks, hop.ifindex);
        }
    }
    return found;
}

}  // namespace podroute
