// Links by addresses, by the kernel's answers, and by the routes of others.
#include "model/host_links.h"

#include <algorithm>
#include <unordered_set>

namespace podroute {
namespace {

// Whether a route of `facts` to a pod network of `owner` leads to this address: by another link of the owner.
bool leads_to(const HostFacts& facts, const InventoryHost& owner, const Address& address) {
    if (!facts.fib.known()) return false;
    return std::any_of(facts.fib->begin(), facts.fib->end(), [&](const FibAnswer& answer) {
        const auto here = [&](const NextHop& hop) { return hop.gateway == address; };
        const auto inside = [&](const Prefix& cidr) { return cidr.contains(answer.query.destination); };
        return std::any_of(answer.next_hops.begin(), answer.next_hops.end(), here) &&
               std::any_of(owner.pod_cidrs.begin(), owner.pod_cidrs.end(), inside);
    });
}

bool is_gateway(const Snapshot& snapshot, const InventoryHost& owner, const Address& address) {
    return std::any_of(snapshot.hosts.begin(), snapshot.hosts.end(), [&](const auto& entry) {
        return entry.first != owner.name && entry.second.known() && leads_to(*entry.second, owner, address);
    });
}

}  // namespace

const Link* link_at(const HostFacts& facts, std::uint32_t ifindex) {
    if (!facts.links.known()) return nullptr;
    for (const Link& link : *facts.links)
        if (link.index == ifindex) return &link;
    return nullptr;
}

const InterfaceAddress* on_bridge(const HostFacts& facts, const Prefix& cidr) {
    if (!facts.addresses.known()) return nullptr;
    const InterfaceAddress* covering = nullptr;
    for (const InterfaceAddress& a : *facts.addresses) {
        const Link* link = link_at(facts, a.ifindex);
        if (link == nullptr || link->kind != "bridge" || !cidr.contains(a.address)) continue;
        if (a.network() == cidr) return &a;
        if (a.network().contains(cidr)) covering = &a;
    }
    return covering;
}

const Link* bridge_of(const HostFacts& facts, const Prefix& cidr) {
    const InterfaceAddress* address = on_bridge(facts, cidr);
    return address == nullptr ? nullptr : link_at(facts, address->ifindex);
}

std::vector<const Link*> uplinks_of(const Snapshot& snapshot, const InventoryHost& host,
                                    const HostFacts& facts) {
    std::vector<const Link*> out;
    const auto add = [&](std::uint32_t ifindex) {
        const Link* link = link_at(facts, ifindex);
        if (link != nullptr && !link->loopback() && std::find(out.begin(), out.end(), link) == out.end())
            out.push_back(link);
    };
    if (facts.addresses.known())
        for (const InterfaceAddress& a : *facts.addresses)
            if (std::find(host.addresses.begin(), host.addresses.end(), a.address) != host.addresses.end())
                add(a.ifindex);
    if (!facts.fib.known()) return out;
    std::unordered_set<Address> nodes;
    for (const InventoryHost& peer : snapshot.inventory.hosts)
        if (peer.name != host.name) nodes.insert(peer.addresses.begin(), peer.addresses.end());
    for (const FibAnswer& answer : *facts.fib)
        if (answer.error == 0 && answer.type == RouteType::unicast &&
            nodes.contains(answer.query.destination))
            for (const NextHop& hop : answer.next_hops) add(hop.ifindex);
    if (host.pod_cidrs.empty() || !facts.addresses.known()) return out;
    for (const InterfaceAddress& a : *facts.addresses) {
        const Link* link = link_at(facts, a.ifindex);
        if (link == nullptr || link->kind == "bridge" || link->loopback()) continue;
        // Few hosts have another link, so that routes are seldom looked through.
        if (std::find(out.begin(), out.end(), link) == out.end() && is_gateway(snapshot, host, a.address))
            out.push_back(link);
    }
    return out;
}

}  // namespace podroute
