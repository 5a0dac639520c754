// Policy rules, tables and overlays. The order of decisions follows fib_rules_lookup() of
// net/core/fib_rules.c and fib_table_lookup() of net/ipv4/fib_trie.c.
#include "engine/fib.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <unordered_map>

#include "engine/fib_table.h"

namespace podroute {
namespace {

constexpr std::uint8_t kActionToTable = 1, kActionGoto = 2, kActionNop = 3, kActionUnreachable = 7,
                       kActionProhibit = 8;
constexpr std::uint8_t kProtocolKernel = 2;
constexpr std::size_t kMaxSources = 256;
constexpr std::uint8_t kScopeLink = 253, kScopeHost = 254;

using RuleList = std::vector<const Rule*>;

std::size_t slot(Family family) {
    return family == Family::v4 ? 0 : 1;
}

bool in_port_range(std::uint16_t from, std::uint16_t to, std::uint16_t port) {
    return (from == 0 && to == 0) || (port >= from && port <= to);
}

// An absent source is the unspecified address, as in an output lookup of the kernel. For IPv6 a rule with a
// source then never matches (fib6_rule_match() wants RT6_LOOKUP_F_HAS_SADDR).
bool source_matches(const Rule& rule, const FibQuery& query) {
    if (!rule.source || rule.source->is_default()) return true;
    if (query.source) return rule.source->contains(*query.source);
    return rule.family == Family::v4 && rule.source->contains(Address::v4(0));
}

bool selectors_match(const Rule& rule, const FibQuery& query) {
    const std::string_view iif = query.iif.empty() ? "lo" : std::string_view(query.iif);
    if (!rule.iif.empty() && rule.iif != iif) return false;
    if (!rule.oif.empty()) return false;  // no query names one
    if (((rule.fwmark ^ query.mark) & rule.fwmask) != 0) return false;
    if (rule.l3mdev || rule.tun_id) return false;
    // Whose packet it is, is not known: judged as root's, as forwarded packets are.
    if (rule.uid_from.value_or(0) > 0) return false;
    if (rule.tos != 0) return false;
    if (rule.ip_proto != 0 && rule.ip_proto != query.ip_proto) return false;
    if (!in_port_range(rule.source_port_from, rule.source_port_to, 0)) return false;
    if (!in_port_range(rule.destination_port_from, rule.destination_port_to, query.destination_port))
        return false;
    if (rule.destination && !rule.destination->contains(query.destination)) return false;
    return source_matches(rule, query);
}

bool rule_matches(const Rule& rule, const FibQuery& query) {
    return selectors_match(rule, query) != rule.invert;
}

int rule_error(std::uint8_t action) {
    if (action == kActionUnreachable) return ENETUNREACH;
    return action == kActionProhibit ? EACCES : EINVAL;
}

// What a lookup that ends at a route of this type answers; EAGAIN: go on with the next rule.
int type_error(RouteType type) {
    switch (type) {
        case RouteType::blackhole:
        case RouteType::nat:
        case RouteType::xresolve:
            return EINVAL;
        case RouteType::unreachable:
            return EHOSTUNREACH;
        case RouteType::prohibit:
            return EACCES;
        case RouteType::throw_:
            return EAGAIN;
        default:
            return 0;
    }
}

bool is_plain(const Rule& rule, std::uint32_t priority, std::uint32_t table) {
    Rule plain;
    plain.family = rule.family;
    plain.priority = priority;
    plain.action = kActionToTable;
    plain.table = table;
    return rule == plain;
}

// A kernel that never saw a custom rule keeps local and main in one trie and looks both up at once
// (fib_lookup() in include/net/ip_fib.h).
bool local_and_main_merged(const RuleList& rules) {
    return rules.size() == 3 && is_plain(*rules[0], 0, kTableLocal) &&
           is_plain(*rules[1], 32766, kTableMain) && is_plain(*rules[2], 32767, kTableDefault);
}

}  // namespace

// What is read once per host.
struct Fib::Index {
    const HostFacts* facts;
    bool known = false;
    std::array<RuleList, 2> rules;
    std::array<std::unordered_map<std::uint32_t, FibTable>, 2> tables;
    std::vector<Prefix> prefixes;  // of routes and rules, sorted, each once
    std::unordered_map<std::uint32_t, const Link*> links;
    std::array<std::set<std::uint32_t>, 2> ignore_linkdown;  // links whose linkdown routes are passed over

    explicit Index(const HostFacts& host_facts) : facts(&host_facts) {
        known = facts->routes.known() && facts->rules.known() && facts->links.known();
        if (!known) return;
        for (const Link& link : *facts->links) add_link(link);
        for (const Route& route : *facts->routes) {
            tables[slot(route.destination.family())][route.table].add(route);
            prefixes.push_back(route.destination);
        }
        for (auto& family : tables)
            for (auto& [id, table] : family) table.sort();
        add_rules();
        std::sort(prefixes.begin(), prefixes.end());
        prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    }

    void add_link(const Link& link) {
        links[link.index] = &link;
        for (const Family family : {Family::v4, Family::v6}) {
            const std::string name = std::string(family == Family::v4 ? "ipv4" : "ipv6") + "/conf/" +
                                     link.name + "/ignore_routes_with_linkdown";
            const auto value = facts->sysctls.find(name);
            if (value != facts->sysctls.end() && value->second.known() && *value->second != "0")
                ignore_linkdown[slot(family)].insert(link.index);
        }
    }

    void add_rules() {
        for (const Rule& rule : *facts->rules) {
            rules[slot(rule.family)].push_back(&rule);
            if (rule.destination) prefixes.push_back(*rule.destination);
        }
        for (RuleList& list : rules)
            std::stable_sort(list.begin(), list.end(),
                             [](const Rule* a, const Rule* b) { return a->priority < b->priority; });
    }
};

struct Fib::Impl {
    std::shared_ptr<const Index> index;
    std::vector<Route> added_routes;
    std::vector<const Route*> removed_routes;
    std::vector<std::unique_ptr<Rule>> added_rules;
    std::array<RuleList, 2> changed_rules;  // used where rules_changed
    std::array<bool, 2> rules_changed{};
    std::array<bool, 2> merged{};
    std::map<std::uint32_t, bool> links;  // index → up, of links the overlay sets

    Impl(std::shared_ptr<const Index> shared, std::span<const Change> overlay) : index(std::move(shared)) {
        if (!index->known) return;
        for (const Change& change : overlay) apply(change);
        merged[slot(Family::v4)] = local_and_main_merged(rules(Family::v4));
    }

    const RuleList& rules(Family family) const {
        const std::size_t at = slot(family);
        return rules_changed[at] ? changed_rules[at] : index->rules[at];
    }

    void apply(const Change& change) {
        if (const auto* route = std::get_if<RouteObject>(&change.object)) return apply_route(*route, change);
        if (const auto* rule = std::get_if<RuleObject>(&change.object)) return apply_rule(rule->rule, change);
        if (const auto* link = std::get_if<LinkObject>(&change.object)) apply_link(link->name, change);
    }

    void apply_route(const RouteObject& object, const Change& change) {
        const auto same_key = [&](const Route& route) {
            return route.destination == object.destination && route.table == object.table &&
                   route.metric == object.metric && route.tos == object.tos;
        };
        if (change.before) {
            const auto* before = std::get_if<Route>(&*change.before);
            const auto gone = [&](const Route& route) {
                return before != nullptr && same_key(route) && route == *before;
            };
            std::erase_if(added_routes, gone);
            for (const Route& route : *index->facts->routes)
                if (gone(route)) removed_routes.push_back(&route);
        }
        if (!change.after) return;
        if (const auto* after = std::get_if<Route>(&*change.after)) added_routes.push_back(*after);
    }

    void apply_rule(const Rule& rule, const Change& change) {
        const std::size_t at = slot(rule.family);
        if (!rules_changed[at]) changed_rules[at] = index->rules[at];
        rules_changed[at] = true;
        RuleList& list = changed_rules[at];
        if (change.before) std::erase_if(list, [&](const Rule* other) { return *other == rule; });
        if (!change.after) return;
        added_rules.push_back(std::make_unique<Rule>(rule));
        const auto behind =
            std::upper_bound(list.begin(), list.end(), rule.priority,
                             [](std::uint32_t priority, const Rule* r) { return priority < r->priority; });
        list.insert(behind, added_rules.back().get());
    }

    void apply_link(const std::string& name, const Change& change) {
        const auto* state = change.after ? std::get_if<std::string>(&*change.after) : nullptr;
        for (const auto& [number, link] : index->links) {
            if (link->name != name) continue;
            const bool up = state != nullptr && *state == "up";
            links[number] = up;
            if (up && !link->admin_up()) add_connected(number);
        }
    }

    // The kernel makes these routes when a link with addresses comes up.
    void add_connected(std::uint32_t ifindex) {
        if (!index->facts->addresses.known()) return;
        for (const InterfaceAddress& address : *index->facts->addresses) {
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
            added_routes.push_back(std::move(network));
            added_routes.push_back(std::move(local));
        }
    }

    bool live(const NextHop& hop, Family family) const {
        const auto overlaid = links.find(hop.ifindex);
        if (overlaid != links.end()) return overlaid->second;
        if (hop.dead()) return false;
        return !hop.linkdown() || !index->ignore_linkdown[slot(family)].contains(hop.ifindex);
    }

    bool usable(const Route& route, const FibQuery& query) const {
        if (route.tos != 0) return false;  // our packets carry none
        if (route.source && !route.source->contains(query.source.value_or(Address{}))) return false;
        if (type_error(route.type) != 0 || route.next_hops.empty()) return true;
        return std::any_of(route.next_hops.begin(), route.next_hops.end(),
                           [&](const NextHop& hop) { return live(hop, route.destination.family()); });
    }

    const Route* find(std::uint32_t table, const FibQuery& query) const {
        const Family family = query.destination.family();
        const auto& tables = index->tables[slot(family)];
        const auto at = tables.find(table);
        const Route* best = nullptr;
        if (at != tables.end()) {
            best = at->second.find(query.destination, [&](const Route& route) {
                return usable(route, query) && !is_removed(route);
            });
        }
        for (const Route& route : added_routes) {
            if (route.table != table || !route.destination.contains(query.destination)) continue;
            if (usable(route, query) && (best == nullptr || preferred(route, *best))) best = &route;
        }
        return best;
    }

    bool is_removed(const Route& route) const {
        return std::find(removed_routes.begin(), removed_routes.end(), &route) != removed_routes.end();
    }

    // The most specific of both tables; local's where they are equally long.
    const Route* find_merged(const FibQuery& query) const {
        const Route* local = find(kTableLocal, query);
        const Route* main = find(kTableMain, query);
        if (local == nullptr || main == nullptr) return local != nullptr ? local : main;
        return main->destination.length() > local->destination.length() ? main : local;
    }
};

namespace {

FibMatch no_match(const FibQuery& query, int error, const Rule* rule) {
    FibMatch match;
    match.answer.query = query;
    match.answer.error = error;
    match.rule = rule;
    return match;
}

FibMatch matched(const FibQuery& query, const Route& route, const Rule* rule) {
    FibMatch match = no_match(query, type_error(route.type), rule);
    match.answer.type = route.type;
    match.answer.table = route.table;
    match.answer.matched = route.destination;
    match.answer.next_hops = route.next_hops;
    match.route = &route;
    return match;
}

}  // namespace

bool is_custom(const Rule& rule) {
    const bool to_table = rule.action == 1;
    return !to_table ||
           (rule.table != kTableMain && rule.table != kTableLocal && rule.table != kTableDefault);
}

bool same_table(std::uint32_t a, std::uint32_t b) {
    const auto merged = [](std::uint32_t table) { return table == kTableLocal || table == kTableMain; };
    return a == b || (merged(a) && merged(b));
}

FibQuery output_query(const Address& destination) {
    FibQuery query;
    query.destination = destination;
    return query;
}

Fib::Fib(const HostFacts& facts, std::span<const Change> overlay)
    : impl_(std::make_unique<Impl>(std::make_shared<const Index>(facts), overlay)) {}
Fib::Fib(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Fib::~Fib() = default;
Fib::Fib(Fib&&) noexcept = default;
Fib& Fib::operator=(Fib&&) noexcept = default;

Fib Fib::with(std::span<const Change> overlay) const {
    return Fib(std::make_unique<Impl>(impl_->index, overlay));
}

bool Fib::known() const {
    return impl_->index->known;
}

FibMatch Fib::lookup_in(std::uint32_t table, const FibQuery& query) const {
    const Route* route = impl_->find(table, query);
    if (route == nullptr || route->type == RouteType::throw_) return no_match(query, ENETUNREACH, nullptr);
    return matched(query, *route, nullptr);
}

FibMatch Fib::lookup(const FibQuery& query) const {
    const Family family = query.destination.family();
    const RuleList& rules = impl_->rules(family);
    const bool merged = impl_->merged[slot(family)];
    for (std::size_t i = 0; i < rules.size();) {
        const Rule& rule = *rules[i++];
        if (!rule_matches(rule, query) || rule.action == kActionNop) continue;
        if (rule.action == kActionGoto) {
            // Targets lie behind the rule (fib_nl_newrule() refuses others), so that this ends.
            const auto target =
                std::find_if(rules.begin() + static_cast<std::ptrdiff_t>(i), rules.end(),
                             [&](const Rule* r) { return r->priority == rule.goto_priority; });
            if (target != rules.end()) i = static_cast<std::size_t>(target - rules.begin());
            continue;
        }
        if (rule.action != kActionToTable) return no_match(query, rule_error(rule.action), &rule);
        const bool both = merged && rule.table == kTableLocal;
        const Route* route = both ? impl_->find_merged(query) : impl_->find(rule.table, query);
        if (route == nullptr || route->type == RouteType::throw_) continue;
        const bool suppressed = rule.suppress_prefix_length && type_error(route->type) == 0 &&
                                route->destination.length() <= *rule.suppress_prefix_length;
        if (suppressed) continue;
        const bool by_main = both && route->table == kTableMain;
        return matched(query, *route, by_main ? rules[1] : &rule);
    }
    return no_match(query, ENETUNREACH, nullptr);
}

std::vector<const Route*> Fib::candidates(std::uint32_t table, const FibQuery& query) const {
    std::vector<const Route*> found;
    const auto& tables = impl_->index->tables[slot(query.destination.family())];
    if (const auto at = tables.find(table); at != tables.end()) {
        at->second.find(query.destination, [&](const Route& route) {
            if (impl_->usable(route, query) && !impl_->is_removed(route)) found.push_back(&route);
            return false;
        });
    }
    for (const Route& route : impl_->added_routes) {
        const bool fits = route.table == table && route.destination.contains(query.destination);
        if (fits && impl_->usable(route, query)) found.push_back(&route);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Route* a, const Route* b) { return preferred(*a, *b); });
    return found;
}

bool Fib::live(const NextHop& hop, Family family) const {
    return impl_->live(hop, family);
}

std::vector<Stretch> Fib::stretches(const Prefix& cidr) const {
    std::set<Address> starts{cidr.first()};
    const auto cut = [&](const Prefix& prefix) {
        if (prefix == cidr || !cidr.contains(prefix)) return;
        starts.insert(prefix.first());
        if (prefix.last() != cidr.last()) starts.insert(prefix.last().offset(1));
    };
    const auto& prefixes = impl_->index->prefixes;
    for (auto at = std::lower_bound(prefixes.begin(), prefixes.end(), cidr);
         at != prefixes.end() && cidr.contains(at->network()); ++at)
        cut(*at);
    for (const Route& route : impl_->added_routes) cut(route.destination);
    for (const auto& rule : impl_->added_rules)
        if (rule->destination) cut(*rule->destination);
    std::vector<Stretch> stretches;
    for (const Address& start : starts) {
        if (!stretches.empty()) stretches.back().last = start.offset(-1);
        stretches.push_back({start, cidr.last()});
    }
    return stretches;
}

std::vector<Address> Fib::source_samples(const Prefix& cidr) const {
    std::set<Address> starts;
    for (const Rule* rule : impl_->rules(cidr.family())) {
        if (!rule->source || *rule->source == cidr || !cidr.contains(*rule->source)) continue;
        starts.insert(std::max(rule->source->first(), cidr.first_usable()));
        if (rule->source->last() < cidr.last_usable()) starts.insert(rule->source->last().offset(1));
    }
    std::vector<Address> samples{cidr.sample_pod()};
    for (const Address& start : starts)
        if (samples.size() < kMaxSources && start != samples.front() && start <= cidr.last_usable())
            samples.push_back(start);
    return samples;
}

std::vector<Address> Fib::boundary_samples(const Prefix& cidr) const {
    std::vector<Address> samples{cidr.first_usable()};
    for (const Stretch& stretch : stretches(cidr))
        if (stretch.first > samples.front() && stretch.first <= cidr.last_usable())
            samples.push_back(stretch.first);
    return samples;
}

}  // namespace podroute
