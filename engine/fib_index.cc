// From lists, as dumped, to what is looked up.
#include "engine/fib_index.h"

#include <algorithm>

namespace podroute {

FibIndex::FibIndex(const HostFacts& host_facts) : facts(&host_facts) {
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

void FibIndex::add_link(const Link& link) {
    links[link.index] = &link;
    for (const Family family : {Family::v4, Family::v6}) {
        const std::string name = std::string(family == Family::v4 ? "ipv4" : "ipv6") + "/conf/" + link.name +
                                 "/ignore_routes_with_linkdown";
        const auto value = facts->sysctls.find(name);
        if (value != facts->sysctls.end() && value->second.known() && *value->second != "0")
            ignore_linkdown[slot(family)].insert(link.index);
    }
}

void FibIndex::add_rules() {
    for (const Rule& rule : *facts->rules) {
        rules[slot(rule.family)].push_back(&rule);
        if (rule.destination) prefixes.push_back(*rule.destination);
    }
    for (RuleList& list : rules)
        std::stable_sort(list.begin(), list.end(),
                         [](const Rule* a, const Rule* b) { return a->priority < b->priority; });
}

}  // namespace podroute
