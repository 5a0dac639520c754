// Reasons to leave a host alone, from what was read of it and of the others.
#include "engine/fix_refusals.h"

#include <algorithm>
#include <array>

#include "engine/route_text.h"
#include "engine/routing.h"

namespace podroute {
namespace {

// Causes that leave it open which machine answers for a host's address.
bool doubts_owner(const std::string& code) {
    static constexpr std::array<std::string_view, 3> codes{"address-missing", "address-duplicate",
                                                           "link-down"};
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

struct Special {
    const char* address;
    const char* what;
};
// Of Azure (wireserver, DHCP and DNS of every VM) and of every cloud (instance metadata).
constexpr std::array<Special, 2> kSpecial{
    {{"168.63.129.16", "Azure's platform address"}, {"169.254.169.254", "the cloud's metadata service"}}};

// "10.0.0.1 50000 10.0.0.2 22" of SSH_CONNECTION (ssh(1)), without a zone.
std::optional<Address> ssh_peer(const HostFacts& facts) {
    const std::string text = facts.ssh_connection.substr(0, facts.ssh_connection.find(' '));
    const auto address = Address::parse(text.substr(0, text.find('%')));
    return address ? std::optional(*address) : std::nullopt;
}

bool reject_or_gone(const Change& change) {
    const auto* after = change.after ? std::get_if<Route>(&*change.after) : nullptr;
    return after == nullptr;
}

std::string covers(const Prefix& prefix, const Address& address, const std::string& what) {
    return prefix.to_string() + " covers " + address.to_string() + ", " + what;
}

// What of this host's own the prefix takes the traffic of.
std::string covered_address(const HostFacts& facts, const Prefix& prefix) {
    const auto peer = ssh_peer(facts);
    if (!peer) return "where this SSH session comes from is not known";
    if (prefix.contains(*peer)) return covers(prefix, *peer, "from where this SSH session comes");
    for (const Route& route : *facts.routes)
        for (const NextHop& hop : route.next_hops)
            if (route.destination.is_default() && hop.gateway && prefix.contains(*hop.gateway))
                return covers(prefix, *hop.gateway, "a default gateway");
    if (!facts.nameservers.known())
        return "its nameservers were not read: " + facts.nameservers.unknown().why;
    for (const Address& server : *facts.nameservers)
        if (prefix.contains(server)) return covers(prefix, server, "a nameserver");
    for (const Special& special : kSpecial) {
        const auto address = Address::parse(special.address);
        if (address && prefix.contains(*address)) return covers(prefix, *address, special.what);
    }
    return {};
}

std::string covered_network(const InventoryHost& host, const HostFacts& facts, const Prefix& prefix) {
    const auto of_pods = [&](const Prefix& network) {
        return std::any_of(host.pod_cidrs.begin(), host.pod_cidrs.end(),
                           [&](const Prefix& cidr) { return cidr.contains(network); });
    };
    for (const InterfaceAddress& address : *facts.addresses)
        if (address.network().overlaps(prefix) && !of_pods(address.network()))
            return prefix.to_string() + " overlaps " + address.network().to_string() +
                   ", a network connected to " + link_name(facts, address.ifindex);
    return {};
}

std::string standing_route(const HostFacts& facts, const RouteObject& object) {
    for (const Route& route : *facts.routes)
        if (route.destination == object.destination && route.table == object.table)
            return "a route to " + object.destination.to_string() +
                   " is there already: " + route_text(route, facts);
    return {};
}

}  // namespace

FixGuard::FixGuard(const Snapshot& snapshot, std::span<const Cause> causes)
    : snapshot_(snapshot),
      expected_(expect(snapshot.inventory)),
      fabric_(snapshot.policy.routing == Routing::fabric),
      delivered_(snapshot.policy.routing == Routing::automatic &&
                 delivers_some_without_routes(snapshot, fold_probes(snapshot))) {
    for (const Cause& cause : causes) {
        if (cause.code == "routed-by-fabric") fabric_ = true;
        if (cause.code == "datapath-foreign") foreign_.emplace(cause.host, cause.summary);
        if (!doubts_owner(cause.code) || cause.severity != Severity::error) continue;
        doubted_.emplace(cause.host, cause.code);
        doubted_address_.emplace(cause.subject, cause.code);
    }
}

std::string FixGuard::refusal(const HostId& host, const Change& change) {
    if (auto why = cluster_refusal(host); !why.empty()) return why;
    const InventoryHost& inventory_host = *snapshot_.inventory.find(host);
    const HostFacts& facts = *snapshot_.hosts.at(host);
    if (std::holds_alternative<RouteObject>(change.object))
        return route_refusal(inventory_host, facts, change);
    const bool known = std::holds_alternative<SysctlObject>(change.object) ||
                       std::holds_alternative<SysctlSetObject>(change.object) ||
                       std::holds_alternative<NeighbourObject>(change.object);
    return known ? "" : "no program should change that by itself";
}

std::string FixGuard::cluster_refusal(const HostId& host) const {
    if (fabric_) return "pod networks are routed by the fabric: hosts need no change";
    const auto facts = snapshot_.hosts.find(host);
    if (snapshot_.inventory.find(host) == nullptr || facts == snapshot_.hosts.end())
        return "it is no host of the inventory";
    if (!facts->second.known()) return host + " was not read";
    const auto foreign = foreign_.find(host);
    if (foreign != foreign_.end())
        return "a network plugin with a datapath of its own runs there, which may undo or bypass it (" +
               foreign->second + ")";
    return {};
}

std::string FixGuard::route_refusal(const InventoryHost& host, const HostFacts& facts, const Change& change) {
    const auto& object = std::get<RouteObject>(change.object);
    const Prefix& prefix = object.destination;
    for (const Overlap& overlap : expected_.overlaps)
        for (const Prefix& cidr : {overlap.first, overlap.second})
            if (cidr.overlaps(prefix))
                return prefix.to_string() + " is in an overlap of the inventory (" +
                       overlap.first.to_string() + " of " + overlap.first_host + " and " +
                       overlap.second.to_string() + " of " + overlap.second_host + ")";
    if (!facts.routes.known() || !facts.rules.known()) return "its routing tables were not read";
    if (!facts.links.known() || !facts.addresses.known()) return "its links or addresses were not read";
    if (auto why = covered_address(facts, prefix); !why.empty()) return why;
    if (auto why = covered_network(host, facts, prefix); !why.empty()) return why;
    if (delivered_)
        return "no host holds pod routes, and yet some packets come through: the network delivers them. Say "
               "--routing fabric if it is to deliver all, --routing host if hosts are to hold the routes";
    if (!change.before)
        if (auto why = standing_route(facts, object); !why.empty()) return why;
    if (reject_or_gone(change)) return {};
    const auto& after = std::get<Route>(*change.after);
    if (after.next_hops.empty()) return "it has no next hop";
    for (const NextHop& hop : after.next_hops)
        if (auto why = next_hop_refusal(host, facts, hop); !why.empty()) return why;
    return {};
}

std::string FixGuard::next_hop_refusal(const InventoryHost& host, const HostFacts& facts,
                                       const NextHop& hop) {
    const Link* link = find_link(facts, hop.ifindex);
    if (!hop.gateway || link == nullptr) return "by which link its next hop is reached is not known";
    const bool on_link =
        std::any_of(facts.addresses->begin(), facts.addresses->end(), [&](const InterfaceAddress& address) {
            return address.ifindex == hop.ifindex && address.network().contains(*hop.gateway) &&
                   address.address != *hop.gateway;
        });
    if (!on_link)
        return "the next hop " + hop.gateway->to_string() + " is not on the network of " + link->name +
               ": such a route belongs on the router between";
    if (!link->admin_up() || !link->carrier) return link->name + ", by which it would leave, is down";
    return owner_refusal(host, facts, hop);
}

// The next hop must be an address that the owner's own dump shows, and nothing may speak against it.
std::string FixGuard::owner_refusal(const InventoryHost& host, const HostFacts& facts, const NextHop& hop) {
    const Address& gateway = *hop.gateway;
    const auto carries = [&](const InventoryHost& owner) {
        const auto at = snapshot_.hosts.find(owner.name);
        return at != snapshot_.hosts.end() && at->second.known() && at->second->addresses.known() &&
               std::any_of(at->second->addresses->begin(), at->second->addresses->end(),
                           [&](const InterfaceAddress& a) { return a.address == gateway; });
    };
    const auto owner = std::find_if(
        snapshot_.inventory.hosts.begin(), snapshot_.inventory.hosts.end(),
        [&](const InventoryHost& candidate) { return candidate.name != host.name && carries(candidate); });
    const std::string next_hop = "the next hop " + gateway.to_string();
    if (owner == snapshot_.inventory.hosts.end())
        return next_hop + " was not seen on its host in this run, so who gets the packets is not known";
    for (const auto& [map, key] :
         {std::pair(&doubted_, owner->name), {&doubted_address_, gateway.to_string()}})
        if (const auto at = map->find(key); at != map->end())
            return next_hop + " is in doubt: " + at->second + " on " + owner->name;
    const auto neighbours = neighbours_.try_emplace(host.name, facts, snapshot_, host.name).first;
    const NeighbourState state = neighbours->second.state(gateway, hop.ifindex);
    if (state.unresolved) return next_hop + " does not answer " + host.name;
    if (state.wrong) return next_hop + " answers with another link-layer address than its entry has";
    return {};
}

}  // namespace podroute
