// Lookups and what they tell apart. The order of decisions follows fib_rules_lookup() of
// net/core/fib_rules.c and fib_table_lookup() of net/ipv4/fib_trie.c.
#include "engine/fib.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "engine/fib_overlay.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxSources = 256;

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
    : overlay_(std::make_unique<FibOverlay>(std::make_shared<const FibIndex>(facts), overlay)) {}
Fib::Fib(std::unique_ptr<FibOverlay> overlay) : overlay_(std::move(overlay)) {}
Fib::~Fib() = default;
Fib::Fib(Fib&&) noexcept = default;
Fib& Fib::operator=(Fib&&) noexcept = default;

Fib Fib::with(std::span<const Change> overlay) const {
    return Fib(std::make_unique<FibOverlay>(overlay_->index(), overlay));
}

bool Fib::known() const {
    return overlay_->index()->known;
}

FibMatch Fib::lookup_in(std::uint32_t table, const FibQuery& query) const {
    const Route* route = overlay_->find(table, query);
    if (route == nullptr || route->type == RouteType::throw_) return no_match(query, ENETUNREACH, nullptr);
    return matched(query, *route, nullptr);
}

FibMatch Fib::lookup(const FibQuery& query) const {
    const Family family = query.destination.family();
    const RuleList& rules = overlay_->rules(family);
    const bool merged = overlay_->local_and_main_merged(family);
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
        const Route* route = both ? overlay_->find_merged(query) : overlay_->find(rule.table, query);
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
    const auto& tables = overlay_->index()->tables[slot(query.destination.family())];
    if (const auto at = tables.find(table); at != tables.end()) {
        at->second.find(query.destination, [&](const Route& route) {
            if (overlay_->usable(route, query) && !overlay_->is_removed(route)) found.push_back(&route);
            return false;
        });
    }
    for (const Route& route : overlay_->added_routes()) {
        const bool fits = route.table == table && route.destination.contains(query.destination);
        if (fits && overlay_->usable(route, query)) found.push_back(&route);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Route* a, const Route* b) { return preferred(*a, *b); });
    return found;
}

bool Fib::live(const NextHop& hop, Family family) const {
    return overlay_->live(hop, family);
}

std::vector<Stretch> Fib::stretches(const Prefix& cidr) const {
    std::set<Address> starts{cidr.first()};
    const auto cut = [&](const Prefix& prefix) {
        if (prefix == cidr || !cidr.contains(prefix)) return;
        starts.insert(prefix.first());
        if (prefix.last() != cidr.last()) starts.insert(prefix.last().offset(1));
    };
    const auto& prefixes = overlay_->index()->prefixes;
    for (auto at = std::lower_bound(prefixes.begin(), prefixes.end(), cidr);
         at != prefixes.end() && cidr.contains(at->network()); ++at)
        cut(*at);
    for (const Route& route : overlay_->added_routes()) cut(route.destination);
    for (const auto& rule : overlay_->added_rules())
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
    for (const Rule* rule : overlay_->rules(cidr.family())) {
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
