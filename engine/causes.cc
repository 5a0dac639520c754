// The causes of the route class, in words and as overlays.
#include "engine/causes.h"

#include <algorithm>
#include <set>

#include "engine/route_text.h"
#include "engine/samples.h"

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolPodroute = 112;
constexpr std::uint8_t kProtocolKernel = 2;
constexpr std::size_t kMaxEvidence = 6;

RouteObject key_of(const Route& route) {
    return {route.destination, route.table, route.metric, route.tos};
}

Cause start(const RouteCase& c, const std::string& code, const std::string& summary) {
    Cause cause;
    cause.code = code;
    cause.host = c.expected.host;
    cause.subject = c.expected.pod_cidr.to_string();
    cause.summary = summary;
    cause.evidence = c.evidence;
    return cause;
}

std::string pod_network(const RouteCase& c) {
    return "the pod network of " + c.expected.owner;
}

void note(Cause& cause, const std::string& line) {
    const bool repeated =
        std::find(cause.evidence.begin(), cause.evidence.end(), line) != cause.evidence.end();
    if (!repeated && cause.evidence.size() < kMaxEvidence) cause.evidence.push_back(line);
}

void change_route(Cause& cause, const RouteCase& c, const Route* before, const Route* after) {
    Change change;
    change.object = key_of(after != nullptr ? *after : *before);
    if (before != nullptr) change.before = *before;
    if (after != nullptr) change.after = *after;
    cause.remedy.push_back({c.expected.host, std::move(change)});
    const std::string verb = after == nullptr ? "del" : before != nullptr ? "replace" : "add";
    const Route& shown = after != nullptr ? *after : *before;
    cause.commands.push_back(on_host(c.expected.host, route_command(verb, shown, c.facts)));
}

// Gone by the remedies of causes found before.
bool is_gone(const RouteCase& c, const Route& route) {
    return std::any_of(c.mended.begin(), c.mended.end(), [&](const Change& change) {
        const auto* before = change.before ? std::get_if<Route>(&*change.before) : nullptr;
        return before != nullptr && *before == route;
    });
}

// Adds the right route for `destination`, or puts it where a throw route of the same key stands.
void add_right_route(Cause& cause, const RouteCase& c, const Prefix& destination) {
    const Route right = right_route(c, destination);
    for (const Route& route : *c.facts.routes) {
        if (key_of(route) != key_of(right) || is_gone(c, route)) continue;
        change_route(cause, c, &route, &right);
        cause.automatic = Automatic::repair;
        return;
    }
    change_route(cause, c, nullptr, &right);
}

std::vector<const Route*> winners(const RouteCase& c, Fate fate) {
    std::vector<const Route*> routes;
    for (const SampleFate& sample : c.samples) {
        if (sample.fate != fate || sample.match.route == nullptr) continue;
        if (std::find(routes.begin(), routes.end(), sample.match.route) == routes.end())
            routes.push_back(sample.match.route);
    }
    return routes;
}

bool made_by_kernel(const Route& route) {
    return route.protocol == kProtocolKernel;
}

// "docker0", the link whose address makes the kernel hold this route.
std::string device_of(const Route& route, const RouteCase& c) {
    return route.next_hops.empty() ? "" : link_name(c.facts, route.next_hops.front().ifindex);
}

void remove_addresses(Cause& cause, const RouteCase& c, const Route& route) {
    if (!c.facts.addresses.known() || route.next_hops.empty()) return;
    for (const InterfaceAddress& address : *c.facts.addresses) {
        if (address.ifindex != route.next_hops.front().ifindex) continue;
        if (!route.destination.contains(address.address)) continue;
        const std::string command = on_host(c.expected.host, "ip address del " + address.address.to_string() +
                                                                 "/" + std::to_string(address.prefix_length) +
                                                                 " dev " + device_of(route, c));
        if (std::find(cause.commands.begin(), cause.commands.end(), command) == cause.commands.end())
            cause.commands.push_back(command);
    }
}

void remove_winner(Cause& cause, const RouteCase& c, const Route& route) {
    if (!made_by_kernel(route)) {
        if (route.table != kTableMain) cause.automatic = Automatic::never;
        return change_route(cause, c, &route, nullptr);
    }
    Change change;
    change.object = key_of(route);
    change.before = route;
    cause.remedy.push_back({c.expected.host, std::move(change)});
    cause.automatic = Automatic::never;
    note(cause, "the network of " + device_of(route, c) + " lies inside the pod network; it has to move");
    remove_addresses(cause, c, route);
}

std::string gateway_text(const RouteCase& c, const Route& route) {
    for (const NextHop& hop : route.next_hops) {
        if (judge_leg(hop, c.facts, c.owner).judgement == LegJudgement::right) continue;
        if (!hop.gateway) return "out of " + link_name(c.facts, hop.ifindex) + " without a next hop";
        const InventoryHost* host = c.snapshot.inventory.owner_of(*hop.gateway);
        return "to " + (host != nullptr ? host->name : hop.gateway->to_string());
    }
    return "elsewhere";
}

}  // namespace

Route right_route(const RouteCase& c, const Prefix& destination) {
    Route route;
    route.destination = destination;
    route.protocol = kProtocolPodroute;
    route.metric = default_metric(destination.family());
    route.next_hops = {{c.expected.next_hop, c.uplink, 0, 1}};
    return route;
}

std::string found_text(const SampleFate& sample, const RouteCase& c) {
    const FibAnswer& answer = sample.match.answer;
    const bool short_match = answer.matched && answer.matched->length() < c.expected.pod_cidr.length() &&
                             sample.fate != Fate::covered;
    std::string text = sample.match.route != nullptr ? route_text(*sample.match.route, c.facts)
                                                     : answer_text(answer, c.facts);
    if (short_match) text = "falls to " + text;
    const Rule* rule = sample.match.rule;
    const bool custom = rule != nullptr && rule->table != kTableMain && rule->table != kTableLocal;
    return custom ? text + " by rule " + rule_text(*rule) : text;
}

Cause missing_cause(const RouteCase& c) {
    Cause cause = start(c, "route-missing", c.expected.host + " has no route to " + pod_network(c));
    cause.automatic = Automatic::add;
    add_right_route(cause, c, c.expected.pod_cidr);
    return cause;
}

Cause partial_cause(const RouteCase& c) {
    Cause cause =
        start(c, "route-partial", c.expected.host + " has a route to only a part of " + pod_network(c));
    cause.automatic = Automatic::add;
    std::vector<Stretch> gaps;
    bool rest_right = true;
    for (const SampleFate& sample : c.samples) {
        const bool counted = !gaps.empty() && gaps.back().first == sample.stretch.first;
        if (sample.fate == Fate::missing && !counted) gaps.push_back(sample.stretch);
        if (sample.fate != Fate::missing && sample.fate != Fate::right && sample.fate != Fate::covered &&
            sample.usable)
            rest_right = false;
    }
    for (const Prefix& gap : covering_prefixes(gaps)) {
        note(cause, "no route for " + gap.to_string());
        add_right_route(cause, c, gap);
    }
    if (!rest_right) {
        note(cause, "the part that has a route is not right either");
        cause.automatic = Automatic::never;
    }
    return cause;
}

Cause diverted_cause(const RouteCase& c) {
    Cause cause = start(
        c, "rule-diverted",
        "a policy rule on " + c.expected.host + " keeps packets for " + pod_network(c) + " from table main");
    for (const SampleFate& sample : c.samples) {
        if (sample.fate != Fate::diverted) continue;
        Change change;
        if (const Rule* rule = sample.match.rule; rule != nullptr) {
            note(cause, "rule " + rule_text(*rule) + " applies, table main alone would be right");
            change = {RuleObject{*rule}, std::string("present"), std::nullopt};
            cause.commands.push_back(on_host(c.expected.host, rule_del_command(*rule)));
        } else {
            note(cause, "no policy rule leads to table main, which would be right");
            Rule main;
            main.family = c.expected.pod_cidr.family();
            main.priority = 32766;
            main.action = 1;
            main.table = kTableMain;
            change = {RuleObject{main}, std::nullopt, std::string("present")};
            const std::string ip = main.family == Family::v6 ? "ip -6" : "ip";
            cause.commands.push_back(on_host(c.expected.host, ip + " rule add priority 32766 lookup main"));
        }
        cause.remedy.push_back({c.expected.host, std::move(change)});
        break;  // one rule at a time: behind it others may stand, which the next run shows
    }
    return cause;
}

Cause shadowed_cause(const RouteCase& c) {
    Cause cause = start(c, "route-shadowed",
                        "another route on " + c.expected.host + " wins over the one to " + pod_network(c));
    cause.automatic = Automatic::repair;
    std::vector<const Route*> gone;
    bool something_exists = true;
    for (const SampleFate& sample : c.samples) {
        if (sample.fate != Fate::shadowed) continue;
        if (sample.better == nullptr && !sample.covered_below) something_exists = false;
        for (const Route* route : sample.winners_over)
            if (std::find(gone.begin(), gone.end(), route) == gone.end()) gone.push_back(route);
    }
    for (const Route* route : gone) {
        note(cause, route_text(*route, c.facts) + " wins");
        remove_winner(cause, c, *route);
    }
    if (!something_exists) {
        const Route right = right_route(c, c.expected.pod_cidr);
        change_route(cause, c, nullptr, &right);
        cause.automatic = Automatic::never;
    }
    return cause;
}

Cause replaced_cause(const RouteCase& c, Fate fate) {
    const auto routes = winners(c, fate);
    const bool reject = fate == Fate::blackhole;
    std::string summary = c.expected.host + " throws away packets for " + pod_network(c);
    if (!reject) {
        const std::string where = routes.empty() ? "elsewhere" : gateway_text(c, *routes.front());
        summary = "the route of " + c.expected.host + " to " + pod_network(c) + " leads " + where +
                  ", not to " + c.expected.owner;
    }
    Cause cause = start(c, reject ? "route-blackhole" : "route-wrong-gateway", summary);
    cause.automatic = Automatic::repair;
    for (const SampleFate& sample : c.samples)
        if (sample.fate == fate && !reject) note(cause, sample.leg.why);
    for (const Route* route : routes) {
        Route after = *route;
        after.type = RouteType::unicast;
        after.scope = 0;
        after.flags = 0;
        after.protocol = kProtocolPodroute;
        std::erase_if(after.next_hops, [&](const NextHop& hop) {
            return judge_leg(hop, c.facts, c.owner).judgement != LegJudgement::right;
        });
        if (after.next_hops.empty()) after.next_hops = right_route(c, after.destination).next_hops;
        change_route(cause, c, route, &after);
        if (route->table != kTableMain) cause.automatic = Automatic::never;
    }
    return cause;
}

Cause neighbour_wrong_cause(const RouteCase& c, const NextHop& hop, const Neighbour& entry,
                            const NeighbourState& state) {
    const std::string address = entry.address.to_string();
    Cause cause = start(c, "neighbour-wrong",
                        c.expected.host + " holds a permanent neighbour entry for " + address +
                            " with the wrong link-layer address");
    note(cause, "entry " + entry.mac + ", answered by " + state.answer_mac);
    cause.remedy.push_back(
        {c.expected.host, {NeighbourObject{entry.address, entry.ifindex}, entry, std::nullopt}});
    cause.commands.push_back(
        on_host(c.expected.host, "ip neigh del " + address + " dev " + link_name(c.facts, hop.ifindex)));
    cause.automatic = Automatic::repair;
    return cause;
}

Cause unresolved_cause(const RouteCase& c, const NextHop& hop, const NeighbourState& state) {
    const std::string gateway = hop.gateway ? hop.gateway->to_string() : c.expected.next_hop.to_string();
    const std::string device = link_name(c.facts, hop.ifindex);
    Cause cause = start(c, "gateway-unresolved",
                        c.expected.owner + " does not answer neighbour solicitations of " + c.expected.host +
                            " for " + gateway);
    note(cause, c.expected.owner + " is up: its own facts were read");
    note(cause, "solicited out of " + device + ", no answer");
    if (!state.entry_mac.empty())
        note(cause, "its table holds " + state.entry_mac + " for it: packets pass until the kernel asks");
    cause.commands.push_back(on_host(c.expected.host, "ip neigh show " + gateway + " dev " + device));
    return cause;
}

}  // namespace podroute
