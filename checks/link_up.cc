// link-up: uplinks are up with carrier, the pod bridge is up. A bridge without pods has no carrier; that is
// as it should be.
#include <algorithm>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/duplicates.h"
#include "checks/own_bridge.h"
#include "checks/own_network.h"
#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

std::string state_text(const Link& link) {
    if (!link.admin_up()) return "DOWN";
    return link.carrier ? "UP" : "UP, no carrier";
}

HostChange link_change(const InventoryHost& host, const Link& link) {
    return {host.name, {LinkObject{link.name}, std::string("down"), std::string("up")}};
}

// Routes by a next hop go when their link goes down, and do not come back with it.
void add_lost_routes(Cause& cause, const InventoryHost& host, const HostFacts& facts, const Link& link,
                     const Expected& expected) {
    if (!facts.routes.known()) return;
    for (const ExpectedRoute& route : expected.routes) {
        if (route.host != host.name) continue;
        const bool kept = std::any_of(facts.routes->begin(), facts.routes->end(), [&](const Route& r) {
            return r.destination == route.pod_cidr && r.table == kTableMain;
        });
        if (kept) continue;
        Route lost;
        lost.destination = route.pod_cidr;
        lost.metric = default_metric(route.pod_cidr.family());
        lost.next_hops = {{route.next_hop, link.index, 0, 1}};
        Change change;
        change.object = RouteObject{lost.destination, lost.table, lost.metric, lost.tos};
        change.after = lost;
        cause.remedy.push_back({host.name, std::move(change)});
        cause.commands.push_back(on_host(host.name, route_add_command(route)));
    }
}

// IPv6 addresses go with their link too, unless keep_addr_on_down is set (ip-sysctl.rst).
std::string lost_address_command(const InventoryHost& host, const Link& link, const Address& address,
                                 unsigned length) {
    return on_host(host.name, "ip -6 address add " + address.to_string() + "/" + std::to_string(length) +
                                  " dev " + link.name);
}

void add_lost_pod_networks(Cause& cause, const InventoryHost& host, const HostFacts& facts,
                           const Link& bridge) {
    const HostRoles host_roles = roles(facts, host);
    for (const Prefix& cidr : host.pod_cidrs) {
        const bool lost = cidr.family() == Family::v6 && facts.addresses.known() &&
                          bridge_with(facts, host, cidr) == nullptr &&
                          !awaits_first_pod(facts, host_roles, cidr.family());
        if (!lost) continue;
        if (plain_word(bridge.name))
            cause.commands.push_back(lost_address_command(host, bridge, cidr.first_usable(), cidr.length()));
        const Route connected = connected_route(cidr, bridge.index);
        Change change;
        change.object = RouteObject{connected.destination, connected.table, connected.metric, connected.tos};
        change.after = connected;
        cause.remedy.push_back({host.name, std::move(change)});
    }
}

void add_lost_node_address(Cause& cause, const Snapshot& snapshot, const InventoryHost& host,
                           const Link& uplink) {
    const auto address = host.address(Family::v6);
    if (address && lacks_address(snapshot, host, Family::v6) && plain_word(uplink.name))
        cause.commands.push_back(
            lost_address_command(host, uplink, *address, node_prefix_length(snapshot, Family::v6)));
}

Cause down_cause(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                 const Link& link, bool is_uplink, const Expected& expected) {
    Cause cause;
    cause.code = "link-down";
    cause.host = host.name;
    cause.subject = link.name;
    const std::string role = is_uplink ? "the uplink " : "the pod bridge ";
    cause.remedy.push_back(link_change(host, link));
    if (link.admin_up()) {
        cause.summary = role + link.name + " of " + host.name + " has no carrier";
        cause.evidence.push_back(
            "it is set up: the cable, the switch port or the virtual network is at fault");
        if (plain_word(link.name))
            cause.commands.push_back(on_host(host.name, "ip -d link show dev " + link.name));
        return cause;
    }
    cause.summary = role + link.name + " of " + host.name + " is down";
    cause.evidence.push_back("routes by a next hop were lost with it");
    if (plain_word(link.name))
        cause.commands.push_back(on_host(host.name, "ip link set dev " + link.name + " up"));
    if (!is_uplink) {
        add_lost_pod_networks(cause, host, facts, link);
    } else {
        add_lost_node_address(cause, snapshot, host, link);
        add_lost_routes(cause, host, facts, link, expected);
    }
    return cause;
}

// IPv6 addresses go with the link, and no overlay brings them back: then nothing can be predicted.
bool lost_address(const Snapshot& snapshot, const InventoryHost& host) {
    return lacks_address(snapshot, host, Family::v6);
}

Verdict judge_link(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                   std::uint32_t index, bool is_uplink, const Expected& expected) {
    const Link* link = find_link(facts, index);
    if (link == nullptr)
        return verdict(host, link_name(facts, index), Status::unknown, "the link is not in the dump");
    if (works(*link, is_uplink)) return verdict(host, link->name, Status::pass, state_text(*link));
    Cause cause = down_cause(snapshot, host, facts, *link, is_uplink, expected);
    if (is_uplink)
        for (HostChange& change : heard_again(snapshot.inventory, silent_neighbours(snapshot), host))
            cause.remedy.push_back(std::move(change));
    if (is_uplink && lost_address(snapshot, host)) cause.remedy.clear();
    Verdict made = failed(host, link->name, std::move(cause));
    made.expected = link->name + " UP";
    made.observed = link->name + " " + state_text(*link);
    return made;
}

void judge_host(const Snapshot& snapshot, const InventoryHost& host, const Expected& expected,
                std::vector<Verdict>& verdicts) {
    const HostFacts* facts = facts_of(snapshot, host.name);
    if (facts == nullptr) return verdicts.push_back(not_read(snapshot, host, "uplink"));
    if (!facts->links.known())
        return verdicts.push_back(part_not_read(host, "uplink", "the links", facts->links.unknown()));
    const auto links = uplinks(snapshot, host, *facts);
    if (links.empty()) {
        const bool lacks = lacks_address(snapshot, host, host.addresses.front().family());
        Verdict made = verdict(host, "uplink", Status::unknown, "no link is known to be its uplink");
        if (lacks) made = blocked(host, "uplink", "address-missing", made.message);
        verdicts.push_back(std::move(made));
    }
    for (const std::uint32_t index : links)
        verdicts.push_back(judge_link(snapshot, host, *facts, index, true, expected));
    const auto bridge = roles(*facts, host).pod_bridge;
    if (bridge && std::find(links.begin(), links.end(), *bridge) == links.end())
        verdicts.push_back(judge_link(snapshot, host, *facts, *bridge, false, expected));
}

}  // namespace

std::vector<Verdict> link_up(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) judge_host(snapshot, host, expected, verdicts);
    return verdicts;
}

}  // namespace podroute
