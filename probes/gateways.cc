// From FIB answers to gateways.
#include "probes/gateways.h"

#include <algorithm>
#include <set>
#include <string>

#include "model/mac.h"

namespace podroute {
namespace {

bool carries(const HostFacts& facts, const Address& address) {
    return facts.addresses.known() &&
           std::any_of(facts.addresses->begin(), facts.addresses->end(),
                       [&](const InterfaceAddress& a) { return a.address == address; });
}

}  // namespace

const HostFacts* known_facts(const Snapshot& snapshot, const HostId& host) {
    const auto at = snapshot.hosts.find(host);
    return at != snapshot.hosts.end() && at->second.known() ? &*at->second : nullptr;
}

const Link* link_of(const HostFacts& facts, std::uint32_t ifindex) {
    if (!facts.links.known()) return nullptr;
    const auto at = std::find_if(facts.links->begin(), facts.links->end(),
                                 [&](const Link& l) { return l.index == ifindex; });
    return at == facts.links->end() ? nullptr : &*at;
}

Owners::Owners(const Inventory& inventory) {
    for (const auto& host : inventory.hosts) {
        for (const auto& cidr : host.pod_cidrs) cidrs_.emplace_back(cidr, &host);
        for (const auto& address : host.addresses) nodes_.emplace(address, &host);
    }
    std::sort(cidrs_.begin(), cidrs_.end());
}

const InventoryHost* Owners::of_pod(const Address& address) const {
    auto at = std::upper_bound(cidrs_.begin(), cidrs_.end(), address,
                               [](const Address& a, const auto& c) { return a < c.first.network(); });
    if (at == cidrs_.begin()) return nullptr;
    --at;
    return at->first.contains(address) ? at->second : nullptr;
}

const InventoryHost* Owners::of_node(const Address& address) const {
    const auto at = nodes_.find(address);
    return at == nodes_.end() ? nullptr : at->second;
}

bool Gateway::foreign_mac() const {
    if (entry == nullptr || entry->mac.empty() || !owner->links.known()) return false;
    return std::none_of(owner->links->begin(), owner->links->end(),
                        [&](const Link& l) { return same_mac(l.mac, entry->mac); });
}

GatewayFinder::GatewayFinder(const Snapshot& snapshot, const Owners& owners, const InventoryHost& host,
                             const HostFacts& facts)
    : snapshot_(snapshot), owners_(owners), host_(host), facts_(facts) {
    if (facts.neighbours.known())
        for (const Neighbour& n : *facts.neighbours) entries_[{n.address, n.ifindex}] = &n;
}

std::vector<Gateway> GatewayFinder::towards_pods() const {
    std::vector<Gateway> out;
    std::set<std::pair<Address, std::uint32_t>> seen;
    const auto add = [&](const InventoryHost& peer, const NextHop& hop) {
        if (!seen.emplace(*hop.gateway, hop.ifindex).second) return;
        if (const auto made = gateway(peer, hop)) out.push_back(*made);
    };
    if (!facts_.fib.known()) return out;
    for (const FibAnswer& answer : *facts_.fib) {
        if (answer.error != 0) continue;
        // Pods reach a control host by its node address: on the same link it is its own next hop.
        if (const InventoryHost* control = control_host(answer))
            for (NextHop hop : answer.next_hops) {
                if (hop.gateway) continue;
                hop.gateway = answer.query.destination;
                add(*control, hop);
            }
        const InventoryHost* peer = owners_.of_pod(answer.query.destination);
        if (peer == nullptr || peer->name == host_.name) continue;
        for (const NextHop& hop : answer.next_hops)
            if (hop.gateway) add(*peer, hop);
    }
    return out;
}

const InventoryHost* GatewayFinder::control_host(const FibAnswer& answer) const {
    const InventoryHost* peer = owners_.of_node(answer.query.destination);
    const bool wanted = peer != nullptr && peer->pod_cidrs.empty() && !host_.pod_cidrs.empty() &&
                        answer.query.iif.empty() && answer.type == RouteType::unicast;
    return wanted ? peer : nullptr;
}

std::optional<Gateway> GatewayFinder::gateway(const InventoryHost& peer, const NextHop& hop) const {
    // Over a link that is down nobody answers, and the link is the fault.
    const Link* link = link_of(facts_, hop.ifindex);
    if (hop.dead() || (link != nullptr && (!link->admin_up() || !link->carrier))) return std::nullopt;
    const HostFacts* owner = owner_of(peer, *hop.gateway);
    if (owner == nullptr) return std::nullopt;
    return Gateway{*hop.gateway, hop.ifindex, owner, entry(*hop.gateway, hop.ifindex)};
}

// Null: nobody of ours, this host itself, or not read.
const HostFacts* GatewayFinder::owner_of(const InventoryHost& peer, const Address& gateway) const {
    if (const InventoryHost* node = owners_.of_node(gateway))
        return node->name == host_.name ? nullptr : known_facts(snapshot_, node->name);
    const HostFacts* owner = known_facts(snapshot_, peer.name);
    return owner != nullptr && carries(*owner, gateway) ? owner : nullptr;
}

std::optional<Gateway> GatewayFinder::next_in_ring() const {
    const auto& hosts = snapshot_.inventory.hosts;
    const auto self = static_cast<std::size_t>(&host_ - hosts.data());
    for (std::size_t i = 1; i < hosts.size(); ++i) {
        const InventoryHost& next = hosts[(self + i) % hosts.size()];
        const HostFacts* owner = known_facts(snapshot_, next.name);
        for (const Address& address : next.addresses)
            if (const auto link = on_link(address); owner != nullptr && link)
                return Gateway{address, *link, owner, entry(address, *link)};
    }
    return std::nullopt;
}

// The link by which the kernel reaches this node address without a gateway.
std::optional<std::uint32_t> GatewayFinder::on_link(const Address& address) const {
    if (!facts_.fib.known()) return std::nullopt;
    for (const FibAnswer& answer : *facts_.fib) {
        const bool direct = answer.query.destination == address && answer.query.iif.empty() &&
                            answer.error == 0 && answer.type == RouteType::unicast &&
                            answer.next_hops.size() == 1 && !answer.next_hops[0].gateway;
        const Link* link = direct ? link_of(facts_, answer.next_hops[0].ifindex) : nullptr;
        if (link != nullptr && link->admin_up() && link->carrier) return link->index;
    }
    return std::nullopt;
}

const Neighbour* GatewayFinder::entry(const Address& address, std::uint32_t ifindex) const {
    const auto at = entries_.find({address, ifindex});
    return at == entries_.end() ? nullptr : at->second;
}

}  // namespace podroute
