// Reversed changes, and which of them may be applied.
#include "engine/undo.h"

#include <algorithm>
#include <array>

#include "engine/fix_text.h"

namespace podroute {
namespace {

using Values = std::map<std::string, std::string>;

constexpr std::uint8_t kProtocolPodroute = 112;

template <class T>
const T* state_of(const std::optional<State>& state) {
    return state ? std::get_if<T>(&*state) : nullptr;
}
// Absent, or of the kind that the object has.
template <class T>
bool fits(const std::optional<State>& state) {
    return !state || state_of<T>(state) != nullptr;
}

bool to_pods(const Inventory& inventory, const Prefix& prefix) {
    return !prefix.is_default() &&
           std::any_of(inventory.hosts.begin(), inventory.hosts.end(), [&](const InventoryHost& host) {
               return std::any_of(host.pod_cidrs.begin(), host.pod_cidrs.end(),
                                  [&](const Prefix& cidr) { return cidr.overlaps(prefix); });
           });
}

bool is_key(const RouteObject& key, const std::optional<State>& state) {
    const auto* route = state_of<Route>(state);
    return route == nullptr ||
           RouteObject{route->destination, route->table, route->metric, route->tos} == key;
}

std::string route_refusal(const Inventory& inventory, const RouteObject& route, const Change& done) {
    if (!fits<Route>(done.before) || !fits<Route>(done.after) || !is_key(route, done.before) ||
        !is_key(route, done.after))
        return "the report's change is not of the route that it names";
    if (!to_pods(inventory, route.destination) || route.table != kTableMain)
        return "it is no route to a pod network of the inventory: no --fix changes such a one";
    const auto* left = state_of<Route>(done.after);
    if (left != nullptr && left->protocol != kProtocolPodroute)
        return "the route that the report says was made does not carry podroute's protocol number";
    return {};
}

// "ipv4/ip_forward", "ipv6/conf/eth0/forwarding" and the like, with a small number.
bool is_setting(const std::string& name, const std::string& value) {
    static constexpr std::array<std::string_view, 4> kSettings{"forwarding", "force_forwarding", "rp_filter",
                                                               "accept_redirects"};
    if (value != "0" && value != "1" && value != "2") return false;
    if (name == "ipv4/ip_forward") return true;
    if (!name.starts_with("ipv4/conf/") && !name.starts_with("ipv6/conf/")) return false;
    const std::string rest = name.substr(10);
    const auto slash = rest.find('/');
    if (slash == 0 || slash == std::string::npos || rest.substr(0, slash) == ".." ||
        rest.substr(0, slash) == ".")
        return false;
    return std::find(kSettings.begin(), kSettings.end(), rest.substr(slash + 1)) != kSettings.end();
}

std::string values_refusal(const std::string& name, const Change& done) {
    for (const auto* state : {&done.before, &done.after}) {
        const auto* values = state_of<Values>(*state);
        const bool good = values != nullptr && values->contains(name) &&
                          std::all_of(values->begin(), values->end(), [](const auto& entry) {
                              return is_setting(entry.first, entry.second);
                          });
        if (!good) return "the report's change is not of forwarding settings";
    }
    return {};
}

std::string setting_refusal(const std::string& name, const Change& done) {
    for (const auto* state : {&done.before, &done.after}) {
        const auto* value = state_of<std::string>(*state);
        if (value == nullptr || !is_setting(name, *value))
            return "the report's change is not of a forwarding setting";
    }
    return {};
}

std::string neighbour_refusal(const Inventory& inventory, const NeighbourObject& object, const Change& done) {
    if (!fits<Neighbour>(done.before) || !fits<Neighbour>(done.after))
        return "the report's change is not of a neighbour entry";
    return inventory.owner_of(object.address) != nullptr
               ? ""
               : "it is no neighbour entry of a node: no --fix changes such a one";
}

std::string refusal(const Inventory& inventory, const Change& done) {
    if (const auto* route = std::get_if<RouteObject>(&done.object))
        return route_refusal(inventory, *route, done);
    if (const auto* sysctl = std::get_if<SysctlObject>(&done.object))
        return setting_refusal(sysctl->name, done);
    if (const auto* set = std::get_if<SysctlSetObject>(&done.object)) return values_refusal(set->name, done);
    if (const auto* neighbour = std::get_if<NeighbourObject>(&done.object))
        return neighbour_refusal(inventory, *neighbour, done);
    return "no --fix changes such an object";
}

const HostFacts& facts_of(const Snapshot& now, const HostId& host) {
    static const HostFacts kNothing;
    const auto at = now.hosts.find(host);
    return at != now.hosts.end() && at->second.known() ? *at->second : kNothing;
}

}  // namespace

std::vector<Fix> undo_of(const Snapshot& now, std::span<const Fix> reported) {
    std::vector<Fix> fixes;
    for (auto at = reported.rbegin(); at != reported.rend(); ++at) {
        if (at->status != FixStatus::applied) continue;
        Fix fix = planned_fix(at->host, at->cause, reversed(at->change), facts_of(now, at->host));
        std::string why = refusal(now.inventory, at->change);
        if (now.inventory.find(at->host) == nullptr) why = at->host + " is not in the inventory";
        if (!why.empty()) {
            fix.status = FixStatus::refused;
            fix.reason = std::move(why);
        }
        fixes.push_back(std::move(fix));
    }
    return fixes;
}

std::vector<Fix> undo_all(const Snapshot& now) {
    std::vector<Fix> fixes;
    for (const InventoryHost& host : now.inventory.hosts) {
        const HostFacts& facts = facts_of(now, host.name);
        if (!facts.routes.known()) continue;
        for (const Route& route : *facts.routes) {
            if (route.protocol != kProtocolPodroute || !to_pods(now.inventory, route.destination)) continue;
            const RouteObject key{route.destination, route.table, route.metric, route.tos};
            fixes.push_back(planned_fix(host.name, "undo", {key, State{route}, std::nullopt}, facts));
        }
    }
    return fixes;
}

}  // namespace podroute
