// From facts and the lookups of rounds to what a classification asks for.
#include "engine/host_context.h"

#include <algorithm>

#include "engine/route_text.h"

namespace podroute {

HostContext::HostContext(const Snapshot& snapshot, const HostFacts& host_facts,
                         const InventoryHost& inventory_host)
    : facts(host_facts),
      host(inventory_host),
      fib(facts),
      host_roles(roles(facts, host, snapshot.inventory)),
      neighbours(facts, snapshot, host.name) {
    if (facts.fib.known()) add_answers(*facts.fib);
    for (const RoundResult& round : snapshot.rounds) {
        const auto at = round.hosts.find(host.name);
        if (at != round.hosts.end() && at->second.known()) add_answers(at->second->lookups);
    }
}

void HostContext::add_answers(const std::vector<FibAnswer>& answers) {
    for (const FibAnswer& answer : answers)
        if (answer.query == output_query(answer.query.destination))
            kernel[answer.query.destination] = &answer;
}

const Link* HostContext::link(std::uint32_t index) const {
    return find_link(facts, index);
}
bool HostContext::is_uplink(std::uint32_t index) const {
    return std::find(host_roles.uplinks.begin(), host_roles.uplinks.end(), index) != host_roles.uplinks.end();
}
std::uint32_t HostContext::link_towards(const Address& next_hop) const {
    if (facts.addresses.known())
        for (const InterfaceAddress& address : *facts.addresses)
            if (address.network().contains(next_hop) && is_uplink(address.ifindex)) return address.ifindex;
    return host_roles.uplinks.empty() ? 0 : host_roles.uplinks.front();
}

}  // namespace podroute
