// Decides on what was seen alone: packets that arrive without a single pod route must be routed elsewhere.
#include "engine/routing.h"

#include <algorithm>
#include <map>
#include <utility>

namespace podroute {
namespace {

bool holds_peer_route(const HostFacts& facts, const InventoryHost& host, const Inventory& inventory) {
    return std::any_of(facts.routes->begin(), facts.routes->end(), [&](const Route& route) {
        if (route.destination.is_default() || route.table == kTableLocal) return false;
        return std::any_of(inventory.hosts.begin(), inventory.hosts.end(), [&](const InventoryHost& peer) {
            return peer.name != host.name &&
                   std::any_of(peer.pod_cidrs.begin(), peer.pod_cidrs.end(),
                               [&](const Prefix& cidr) { return route.destination.overlaps(cidr); });
        });
    });
}

// Of those that could be read: one that could not does not make routes of the others wanted.
bool no_host_holds_one(const Snapshot& snapshot) {
    return std::none_of(
        snapshot.inventory.hosts.begin(), snapshot.inventory.hosts.end(), [&](const InventoryHost& host) {
            const auto facts = snapshot.hosts.find(host.name);
            return facts != snapshot.hosts.end() && facts->second.known() && facts->second->routes.known() &&
                   holds_peer_route(*facts->second, host, snapshot.inventory);
        });
}

// All that were tried: of those between pods, or where there is none, between pods and control hosts. One
// packet that comes through proves the way, whatever others are lost, or filtered for their protocol.
bool all_pods_are_reached(const ProbeFacts& probes) {
    std::map<std::pair<Endpoint, Endpoint>, bool> between_pods, others;
    for (const ProbedFlow& flow : probes.verdicts) {
        if (flow.tried() == 0 || flow.same_host()) continue;
        const bool pods = flow.source.vantage == Vantage::pod && flow.destination.vantage == Vantage::pod;
        (pods ? between_pods : others)[{flow.source, flow.destination}] |= flow.heard() > 0;
    }
    const auto& heard = between_pods.empty() ? others : between_pods;
    return !heard.empty() &&
           std::all_of(heard.begin(), heard.end(), [](const auto& pair) { return pair.second; });
}

}  // namespace

Routing routing_of(const Snapshot& snapshot, const ProbeFacts& probes) {
    if (snapshot.policy.routing != Routing::automatic) return snapshot.policy.routing;
    return no_host_holds_one(snapshot) && all_pods_are_reached(probes) ? Routing::fabric : Routing::host;
}

bool delivers_some_without_routes(const Snapshot& snapshot, const ProbeFacts& probes) {
    return no_host_holds_one(snapshot) &&
           std::any_of(probes.verdicts.begin(), probes.verdicts.end(), [](const ProbedFlow& flow) {
               return !flow.same_host() && flow.destination.vantage == Vantage::pod && flow.heard() > 0;
           });
}

}  // namespace podroute
