// What a change does to tables, as far as a lookup can tell.
#include "engine/fib_overlay.h"

#include <algorithm>

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolKernel = 2;
constexpr std::uint8_t kScopeLink = 253, kScopeHost = 254;

}  // namespace

FibOverlay::FibOverlay(std::shared_ptr<const FibIndex> shared, std::span<const Change> overlay)
    : index_(std::move(shared)) {
    if (!index_->known) return;
    for (const Change& change : overlay) apply(change);
    merged_[slot(Family::v4)] = podroute::local_and_main_merged(rules(Family::v4));
}

const RuleList& FibOverlay::rules(Family family) const {
    const std::size_t at = slot(family);
    return rules_changed_[at] ? changed_rules_[at] : index_->rules[at];
}

void FibOverlay::apply(const Change& change) {
    if (const auto* route = std::get_if<RouteObject>(&change.object)) return apply_route(*route, change);
    if (const auto* rule = std::get_if<RuleObject>(&change.object)) return apply_rule(rule->rule, change);
    if (const auto* link = std::get_if<LinkObject>(&change.object)) apply_link(link->name, change);
}

void FibOverlay::apply_route(const RouteObject& object, const Change& change) {
    const auto same_key = [&](const Route& route) {
        return route.destination == object.destination && route.table == object.table &&
               route.metric == object.metric && route.tos == object.tos;
    };
    if (change.before) {
        const auto* before = std::get_if<Route>(&*change.before);
        const auto gone = [&](const Route& route) {
            return before != nullptr && same_key(route) && route == *before;
        };
        std::erase_if(added_routes_, gone);
        for (const Route& route : *index_->facts->routes)
            if (gone(route)) removed_routes_.push_back(&route);
    }
    if (!change.after) return;
    if (const auto* after = std::get_if<Route>(&*change.after)) added_routes_.push_back(*after);
}

void FibOverlay::apply_rule(const Rule& rule, const Change& change) {
    const std::size_t at = slot(rule.family);
    if (!rules_changed_[at]) changed_rules_[at] = index_->rules[at];
    rules_changed_[at] = true;
    RuleList& list = changed_rules_[at];
    if (change.before) std::erase_if(list, [&](const Rule* other) { return *other == rule; });
    if (!change.after) return;
    added_rules_.push_back(std::make_unique<Rule>(rule));
    const auto behind =
        std::upper_bound(list.begin(), list.end(), rule.priority,
                         [](std::uint32_t priority, const Rule* r) { return priority < r->priority; });
    list.insert(behind, added_rules_.back().get());
}

void FibOverlay::apply_link(const std::string& name, const Change& change) {
    const auto* state = change.after ? std::get_if<std::string>(&*change.after) : nullptr;
    for (const auto& [number, link] : index_->links) {
        if (link->name != name) continue;
        const bool up = state != nullptr && *state == "up";
        links_[number] = up;
        if (up && !link->admin_up()) add_connected(number);
    }
}

// The kernel makes these routes when a link with addresses comes up.
void FibOverlay::add_connected(std::uint32_t ifindex) {
    if (!index_->facts->addresses.known()) return;
    for (const InterfaceAddress& address : *index_->facts->addresses) {
        if (address.ifindex != ifindex) continue;
        Route network;
        network.destination = address.network();
        network.protocol = kProtocolKernel;
        network.scope = kScopeLink;
        network.metric = address.address.is_v4() ? 0 : 256;
        network.next_hops = {{std::nullopt, ifindex, 0, 1}};
        Route local = network;
        local.destination = Prefix::host(address.address);
        local.table = kTableLocal;
        local.type = RouteType::local;
        local.scope = kScopeHost;
        added_routes_.push_back(std::move(network));
        added_routes_.push_back(std::move(local));
    }
}

bool FibOverlay::live(const NextHop& hop, Family family) const {
    const auto overlaid = links_.find(hop.ifindex);
    if (overlaid != links_.end()) return overlaid->second;
    if (hop.dead()) return false;
    return !hop.linkdown() || !index_->ignore_linkdown[slot(family)].contains(hop.ifindex);
}

bool FibOverlay::usable(const Route& route, const FibQuery& query) const {
    if (route.tos != 0) return false;  // our packets carry none
    if (route.source && !route.source->contains(query.source.value_or(Address{}))) return false;
    if (type_error(route.type) != 0 || route.next_hops.empty()) return true;
    return std::any_of(route.next_hops.begin(), route.next_hops.end(),
                       [&](const NextHop& hop) { return live(hop, route.destination.family()); });
}

const Route* FibOverlay::find(std::uint32_t table, const FibQuery& query) const {
    const Family family = query.destination.family();
    const auto& tables = index_->tables[slot(family)];
    const auto at = tables.find(table);
    const Route* best = nullptr;
    if (at != tables.end()) {
        best = at->second.find(query.destination, [&](const Route& route) {
            return usable(route, query) && !is_removed(route);
        });
    }
    for (const Route& route : added_routes_) {
        if (route.table != table || !route.destination.contains(query.destination)) continue;
        if (usable(route, query) && (best == nullptr || preferred(route, *best))) best = &route;
    }
    return best;
}

bool FibOverlay::is_removed(const Route& route) const {
    return std::find(removed_routes_.begin(), removed_routes_.end(), &route) != removed_routes_.end();
}

const Route* FibOverlay::find_merged(const FibQuery& query) const {
    const Route* local = find(kTableLocal, query);
    const Route* main = find(kTableMain, query);
    if (local == nullptr || main == nullptr) return local != nullptr ? local : main;
    return main->destination.length() > local->destination.length() ? main : local;
}

}  // namespace podroute
