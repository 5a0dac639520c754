// Causes made of the object that a broken leg hangs on.
#include "engine/stop_causes.h"

#include <algorithm>

#include "engine/fib.h"
#include "engine/fib_rules.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolKernel = 2;

Cause start(const std::string& code, const HostId& host, const std::string& subject,
            const std::string& summary) {
    Cause cause;
    cause.code = code;
    cause.host = host;
    cause.subject = subject;
    cause.summary = summary;
    return cause;
}

bool of_pods(const Inventory& inventory, const Prefix& prefix) {
    return std::any_of(inventory.hosts.begin(), inventory.hosts.end(), [&](const InventoryHost& host) {
        return std::any_of(host.pod_cidrs.begin(), host.pod_cidrs.end(),
                           [&](const Prefix& cidr) { return cidr.overlaps(prefix); });
    });
}

Cause of_rule(const Decision& decision, const Endpoint& to) {
    const Rule& rule = *decision.rule;
    Cause cause = start(
        "rule-diverted", decision.host, Prefix::host(to.address).to_string(),
        "a policy rule on " + decision.host + " keeps packets for " + to_string(to) + " from table main");
    cause.evidence.push_back("rule " + rule_text(rule) + " applies");
    cause.remedy.push_back({decision.host, {RuleObject{rule}, std::string("present"), std::nullopt}});
    cause.commands.push_back(on_host(decision.host, rule_del_command(rule)));
    return cause;
}

Cause of_route(const Decision& decision, const Endpoint& to, const HostFacts& facts) {
    const Route& route = *decision.route;
    const bool rejects = route.type != RouteType::unicast;
    const std::string summary =
        rejects ? decision.host + " throws away packets for " + to_string(to)
                : "a route of " + decision.host + " leads packets for " + to_string(to) + " elsewhere";
    Cause cause = start(rejects ? "route-blackhole" : "route-wrong-gateway", decision.host,
                        route.destination.to_string(), summary);
    cause.evidence.push_back(route_text(route, facts) + " wins");
    cause.automatic = route.table == kTableMain ? Automatic::repair : Automatic::never;
    Change change;
    change.object = RouteObject{route.destination, route.table, route.metric, route.tos};
    change.before = route;
    cause.remedy.push_back({decision.host, std::move(change)});
    cause.commands.push_back(on_host(decision.host, route_command("del", route, facts)));
    return cause;
}

// The remedy is that the entry goes: who answers again is found again.
Cause of_neighbour(const Decision& decision, const std::string& code, const HostFacts& facts) {
    const Neighbour& entry = *decision.neighbour;
    const std::string address = entry.address.to_string();
    const std::string ip = entry.address.family() == Family::v6 ? "ip -6" : "ip";
    const std::string what = address + " dev " + link_name(facts, entry.ifindex);
    const bool wrong = code == "neighbour-wrong";
    Cause cause = start(code, decision.host, address,
                        wrong ? decision.host + " holds a permanent neighbour entry for " + address +
                                    " with the wrong link-layer address"
                              : address + " does not answer neighbour solicitations of " + decision.host);
    cause.evidence.push_back(wrong ? "entry " + entry.mac + " is not what answers for it"
                                   : "its host is up: its own facts were read");
    cause.automatic = wrong ? Automatic::repair : Automatic::never;
    cause.remedy.push_back(
        {decision.host, {NeighbourObject{entry.address, entry.ifindex}, entry, std::nullopt}});
    cause.commands.push_back(on_host(decision.host, ip + (wrong ? " neigh del " : " neigh show ") + what));
    return cause;
}

}  // namespace

std::vector<Cause> stop_causes(const Snapshot& snapshot, const Leg& leg, const Endpoint& to) {
    std::vector<Cause> causes;
    for (const Decision& decision : leg.decisions) {
        const auto facts = snapshot.hosts.find(decision.host);
        if (facts == snapshot.hosts.end() || !facts->second.known()) continue;
        if (decision.neighbour) causes.push_back(of_neighbour(decision, leg.code, *facts->second));
        if (decision.rule && is_custom(*decision.rule)) {
            causes.push_back(of_rule(decision, to));
            continue;
        }
        const auto& route = decision.route;
        const bool made = route && route->protocol != kProtocolKernel && !route->destination.is_default();
        if (made && !of_pods(snapshot.inventory, route->destination))
            causes.push_back(of_route(decision, to, *facts->second));
    }
    return causes;
}

}  // namespace podroute
