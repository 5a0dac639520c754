// By a lookup in the host's tables.
#include "engine/asked_gateways.h"

#include <algorithm>

#include "engine/route_text.h"
#include "model/mac.h"

namespace podroute {
namespace {

constexpr std::uint16_t kIncomplete = 1, kFailed = 32;  // NUD_*

bool silent(const HostContext& host, const Address& address, std::uint32_t ifindex) {
    const Neighbour* entry = host.neighbours.entry(address, ifindex);
    return host.neighbours.state(address, ifindex).unresolved ||
           (entry != nullptr && (entry->state & (kIncomplete | kFailed)) != 0);
}

}  // namespace

const HostContext* AskedGateways::context(const HostId& name) {
    const auto [at, added] = hosts_.try_emplace(name);
    const auto facts = snapshot_.hosts.find(name);
    const InventoryHost* host = snapshot_.inventory.find(name);
    if (added && host != nullptr && facts != snapshot_.hosts.end() && facts->second.known())
        at->second = std::make_unique<HostContext>(snapshot_, *facts->second, *host);
    return at->second.get();
}

std::optional<Address> AskedGateways::of(const HostId& name, const Endpoint& from, const Address& to) {
    const HostContext* host = context(name);
    if (host == nullptr || !host->fib.known()) return std::nullopt;
    FibQuery query = output_query(to);
    query.source = from.address;
    if (from.vantage == Vantage::pod) {
        const auto bridge = host->host_roles.pod_bridge;
        query.iif = bridge ? link_name(host->facts, *bridge) : "lo";
    }
    std::optional<Address> asked;
    for (const NextHop& hop : host->fib.lookup(query).answer.next_hops) {
        const Address& address = hop.gateway ? *hop.gateway : to;
        if (silent(*host, address, hop.ifindex)) return address;
        if (!asked) asked = address;
    }
    return asked;
}

bool AskedGateways::on_link(const HostId& name, const HostId& other) {
    const HostContext* host = context(name);
    const HostContext* its = context(other);
    if (host == nullptr || its == nullptr || !host->facts.links.known() || !its->facts.links.known())
        return false;
    const auto has = [&](const std::string& mac) {
        return !mac.empty() && std::any_of(its->facts.links->begin(), its->facts.links->end(),
                                           [&](const Link& link) { return same_mac(link.mac, mac); });
    };
    for (const Address& address : its->host.addresses)
        for (const Link& link : *host->facts.links) {
            const NeighbourState state = host->neighbours.state(address, link.index);
            if (has(state.entry_mac) || has(state.answer_mac)) return true;
        }
    return false;
}

}  // namespace podroute
