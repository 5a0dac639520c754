// Which links of a host are its uplinks and which its pod bridge.
#include <algorithm>
#include <array>
#include <string_view>

#include "engine/classify.h"
#include "engine/fib.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::array<std::string_view, 3> kPodBridges{"cni0", "cnio0", "cbr0"};

const Link* link_named(const HostFacts& facts, std::string_view name) {
    for (const Link& link : *facts.links)
        if (link.name == name) return &link;
    return nullptr;
}

bool has_pods(const HostFacts& facts, std::uint32_t bridge) {
    return std::any_of(facts.links->begin(), facts.links->end(),
                       [&](const Link& link) { return link.master == bridge && link.kind == "veth"; });
}

std::optional<std::uint32_t> link_with_network(const HostFacts& facts, const InventoryHost& host) {
    if (!facts.addresses.known()) return std::nullopt;
    for (const InterfaceAddress& address : *facts.addresses)
        for (const Prefix& cidr : host.pod_cidrs)
            if (address.network() == cidr) return address.ifindex;
    return std::nullopt;
}

// The bridge that pods use today, whatever the CNI configuration names for those to come.
std::optional<std::uint32_t> bridge_in_use(const HostFacts& facts, const InventoryHost& host) {
    const auto index = link_with_network(facts, host);
    const Link* link = index ? find_link(facts, *index) : nullptr;
    const bool pods = link != nullptr && (is_pod_bridge_name(link->name) || has_pods(facts, link->index));
    return pods ? index : std::nullopt;
}

std::optional<std::uint32_t> find_pod_bridge(const HostFacts& facts, const InventoryHost& host) {
    if (!facts.links.known() || host.pod_cidrs.empty()) return std::nullopt;
    if (const CniNetwork* network = bridge_network(facts)) {
        const Link* link = link_named(facts, network->bridge);
        return link != nullptr ? std::optional(link->index) : bridge_in_use(facts, host);
    }
    if (const auto index = link_with_network(facts, host)) return index;
    for (const std::string_view name : kPodBridges)
        if (const Link* link = link_named(facts, name)) return link->index;
    return std::nullopt;
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

bool is_pod_bridge_name(std::string_view name) {
    return std::find(kPodBridges.begin(), kPodBridges.end(), name) != kPodBridges.end();
}

// Named but not there: before the first pod.
const CniNetwork* bridge_network(const HostFacts& facts) {
    if (!facts.cni.known()) return nullptr;
    for (const CniNetwork& network : facts.cni->networks)
        if (!network.bridge.empty()) return &network;
    return nullptr;
}

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
