// What of one host's dumps a lookup needs, read once per host: rules by priority, tables by prefix, links.
#pragma once

#include <array>
#include <set>
#include <unordered_map>
#include <vector>

#include "engine/fib_rules.h"
#include "engine/fib_table.h"

namespace podroute {

// IPv4 first, where both families have one of something.
inline std::size_t slot(Family family) {
    return family == Family::v4 ? 0 : 1;
}

// Views of the facts are kept: they must outlive it.
struct FibIndex {
    const HostFacts* facts;
    bool known = false;  // routes, rules and links were read
    std::array<RuleList, 2> rules;
    std::array<std::unordered_map<std::uint32_t, FibTable>, 2> tables;
    std::vector<Prefix> prefixes;  // of routes and rules, sorted, each once
    std::unordered_map<std::uint32_t, const Link*> links;
    std::array<std::set<std::uint32_t>, 2> ignore_linkdown;  // links whose linkdown routes are passed over

    explicit FibIndex(const HostFacts& host_facts);

  private:
    void add_link(const Link& link);
    void add_rules();
};

}  // namespace podroute
