// By their hooks (nft(8), "Address families").
#include "engine/filter_chains.h"

#include <algorithm>

namespace podroute {
namespace {

const FirewallFacts* firewall_of(const Snapshot& snapshot, const HostId& host) {
    const auto facts = snapshot.hosts.find(host);
    if (facts == snapshot.hosts.end() || !facts->second.known() || !facts->second->firewall.known())
        return nullptr;
    return &*facts->second->firewall;
}

// What a packet is to the host that loses it.
struct Course {
    bool input = false, output = false, forward = false;
};

// An answer of a node that never left it: mostly the request was lost.
Course course_of(const ProbedFlow& flow, const HostId& host) {
    const bool from_node = flow.source.vantage == Vantage::node && flow.source.host == host;
    const bool to_node = flow.destination.vantage == Vantage::node && flow.destination.host == host;
    if (flow.refused() > 0 && host == flow.source.host) return {false, true, false};
    if (flow.failed_leg() == ProbeLeg::request) return {to_node, from_node, !to_node && !from_node};
    return {from_node || to_node, to_node, !to_node && !from_node};
}

// Whether such packets may end at that chain. Address translation alone drops nothing; of a bridge or a
// device every hook may be on the way of what was taken to be sent.
bool may_drop(const FilterChain& chain, const Course& course) {
    const auto at = [&](std::string_view hook) { return chain.type.ends_with(hook); };
    if (chain.type.starts_with("nat ") && !chain.drops) return false;
    if (chain.table.starts_with("bridge ") || chain.table.starts_with("netdev "))
        return course.input || course.forward || at(" hook output") || at(" hook postrouting") ||
               at(" hook egress");
    if (at(" hook input")) return course.input;
    if (at(" hook output")) return course.output;
    if (at(" hook forward")) return course.forward;
    if (at(" hook prerouting")) return course.input || course.forward;
    if (at(" hook postrouting")) return course.output || course.forward;
    return true;
}

// Tables of inet, bridge and netdev see packets of both.
bool sees(const FilterChain& chain, Family family) {
    if (chain.table.starts_with("ip ")) return family == Family::v4;
    return !chain.table.starts_with("ip6 ") || family == Family::v6;
}

}  // namespace

std::vector<const FilterChain*> chains_on_the_way(const Snapshot& snapshot, const ProbedFlow& flow,
                                                  const HostId& host) {
    std::vector<const FilterChain*> chains;
    const FirewallFacts* firewall = firewall_of(snapshot, host);
    if (firewall == nullptr) return chains;
    const Course course = course_of(flow, host);
    for (const FilterChain& chain : firewall->chains)
        if (sees(chain, flow.source.address.family()) && may_drop(chain, course)) chains.push_back(&chain);
    return chains;
}

bool translates_sources(const Snapshot& snapshot, const HostId& host, Family family) {
    const FirewallFacts* firewall = firewall_of(snapshot, host);
    return firewall != nullptr &&
           std::any_of(firewall->chains.begin(), firewall->chains.end(), [&](const FilterChain& chain) {
               return sees(chain, family) && chain.rules > 0 && chain.type == "nat hook postrouting";
           });
}

bool has_rules(const Snapshot& snapshot, const ProbedFlow& flow, const HostId& host) {
    const FirewallFacts* firewall = firewall_of(snapshot, host);
    if (firewall == nullptr) return false;
    if (firewall->chains.empty()) return firewall->legacy_rules || firewall->nft_rules;
    return !chains_on_the_way(snapshot, flow, host).empty();
}

}  // namespace podroute
