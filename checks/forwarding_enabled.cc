// forwarding-enabled: a node passes packets between its uplink and its pods. Control hosts need not.
//
// IPv4 goes by ip_forward and each link's own setting; IPv6 by conf.all.forwarding, or force_forwarding of
// the link by which a packet came in (Documentation/networking/ip-sysctl.rst).
#include <algorithm>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/sysctls.h"
#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolRa = 9;  // RTPROT_RA

struct Node {
    const InventoryHost& host;
    const HostFacts& facts;
    std::vector<std::string> links;  // by which pod traffic comes in: uplinks and the pod bridge
    bool bridge = false;
};

Node look_at(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts, Family family) {
    Node node{host, facts, {}, false};
    auto indices = uplinks(snapshot, host, facts, family);
    const auto bridge = roles(facts, host).pod_bridge;
    node.bridge = bridge.has_value();
    if (bridge && std::find(indices.begin(), indices.end(), *bridge) == indices.end())
        indices.push_back(*bridge);
    for (const std::uint32_t index : indices) node.links.push_back(link_name(facts, index));
    return node;
}

Cause start(const Node& node, const std::string& name, const std::string& summary) {
    Cause cause;
    cause.code = "forwarding-disabled";
    cause.host = node.host.name;
    cause.subject = setting_name(name);
    cause.summary = summary;
    cause.automatic = Automatic::add;
    return cause;
}

void set(Cause& cause, const Node& node, const std::string& name, int value) {
    cause.remedy.push_back(setting_change(node.host.name, node.facts, name, value));
    const std::string command = setting_command(node.host.name, name, value);
    if (!command.empty()) cause.commands.push_back(command);
}

void note_first_pod(Cause& cause, const Node& node) {
    if (!node.bridge)
        cause.evidence.push_back(
            "there is no pod bridge yet; the CNI bridge plugin turns ip_forward on with the first pod");
}

void add(Verdict& verdict, Cause cause) {
    const bool error = cause.severity == Severity::error;
    if (verdict.causes.empty() || (error && verdict.status != Status::fail)) verdict.message = cause.summary;
    if (verdict.status != Status::fail) verdict.status = error ? Status::fail : Status::warn;
    if (verdict.observed.empty()) verdict.observed = cause.subject + " = 0";
    verdict.causes.push_back(std::move(cause));
}

void add_link(Verdict& verdict, const Node& node, const std::string& link) {
    const std::string name = "ipv4/conf/" + link + "/forwarding";
    Cause cause =
        start(node, name, node.host.name + " does not forward IPv4 packets that come in by " + link);
    set(cause, node, name, 1);
    add(verdict, std::move(cause));
}

// Links to come take conf.default: the pods' link where there is no bridge yet.
void add_default(Verdict& verdict, const Node& node) {
    const std::string name = "ipv4/conf/default/forwarding";
    Cause cause =
        start(node, name, "links made from now on will not forward IPv4 packets on " + node.host.name);
    if (node.bridge) {
        cause.severity = Severity::warning;
        cause.evidence.push_back("the links that pods use today have a setting of their own, which is 1");
    } else {
        note_first_pod(cause, node);
    }
    set(cause, node, name, 1);
    add(verdict, std::move(cause));
}

Verdict unreadable(const InventoryHost& host, const std::string& subject, const std::string& name,
                   const Setting& setting) {
    const std::string why = setting.why.empty() ? "it was not read" : setting.why;
    return verdict(host, subject, Status::unknown, setting_name(name) + ": " + why);
}

Verdict judge_ipv4(const Node& node) {
    const std::string subject = "IPv4";
    Verdict made = verdict(node.host, subject, Status::pass, "packets are forwarded");
    const Setting all = read_setting(node.facts, "ipv4/ip_forward");
    if (!all.known()) return unreadable(node.host, subject, "ipv4/ip_forward", all);
    made.expected = "net.ipv4.ip_forward = 1";
    if (all.number == 0) {
        Cause cause = start(node, "ipv4/ip_forward", node.host.name + " does not forward IPv4 packets");
        note_first_pod(cause, node);
        set(cause, node, "ipv4/ip_forward", 1);
        add(made, std::move(cause));
        return made;
    }
    for (const std::string& link : node.links) {
        const std::string name = "ipv4/conf/" + link + "/forwarding";
        const Setting own = read_setting(node.facts, name);
        if (own.state == Setting::State::unreadable) return unreadable(node.host, subject, name, own);
        if (own.is(0)) add_link(made, node, link);
    }
    if (read_setting(node.facts, "ipv4/conf/default/forwarding").is(0)) add_default(made, node);
    if (made.causes.empty()) made.expected.clear();
    return made;
}

// A default route from router advertisements goes at once when forwarding is turned on, unless accept_ra is 2
// on its link.
std::vector<std::string> advertised_defaults(const HostFacts& facts) {
    std::vector<std::string> links;
    if (!facts.routes.known()) return links;
    for (const Route& route : *facts.routes) {
        if (!route.destination.is_default() || route.destination.family() != Family::v6) continue;
        if (route.protocol != kProtocolRa) continue;
        for (const NextHop& hop : route.next_hops) {
            const std::string link = link_name(facts, hop.ifindex);
            const bool kept = read_setting(facts, "ipv6/conf/" + link + "/accept_ra").is(2);
            if (!kept && std::find(links.begin(), links.end(), link) == links.end()) links.push_back(link);
        }
    }
    return links;
}

Cause ipv6_cause(const Node& node, const std::vector<std::string>& off) {
    Cause cause = start(node, "ipv6/conf/all/forwarding", node.host.name + " does not forward IPv6 packets");
    const auto advertised = advertised_defaults(node.facts);
    const bool can_force = std::all_of(off.begin(), off.end(), [&](const std::string& link) {
        return read_setting(node.facts, "ipv6/conf/" + link + "/force_forwarding").known();
    });
    if (!advertised.empty())
        cause.evidence.push_back("its default route comes from router advertisements on " +
                                 joined_text(advertised) + " and would go when conf.all.forwarding is set");
    if (!advertised.empty() && can_force) {
        for (const std::string& link : off) set(cause, node, "ipv6/conf/" + link + "/force_forwarding", 1);
        return cause;
    }
    for (const std::string& link : advertised) {
        const std::string command = setting_command(node.host.name, "ipv6/conf/" + link + "/accept_ra", 2);
        if (!command.empty()) cause.commands.push_back(command);
        cause.automatic = Automatic::never;
    }
    set(cause, node, "ipv6/conf/all/forwarding", 1);
    return cause;
}

Verdict judge_ipv6(const Node& node) {
    const std::string subject = "IPv6";
    const Setting all = read_setting(node.facts, "ipv6/conf/all/forwarding");
    if (!all.known()) return unreadable(node.host, subject, "ipv6/conf/all/forwarding", all);
    Verdict made = verdict(node.host, subject, Status::pass, "packets are forwarded");
    if (all.number != 0) return made;
    std::vector<std::string> links = node.links;
    if (!node.bridge) links.emplace_back("default");
    std::vector<std::string> off;
    for (const std::string& link : links)
        if (!read_setting(node.facts, "ipv6/conf/" + link + "/force_forwarding").is(1)) off.push_back(link);
    if (off.empty()) return made;
    made.expected = "net.ipv6.conf.all.forwarding = 1";
    add(made, ipv6_cause(node, off));
    return made;
}

bool has_pods(const InventoryHost& host, Family family) {
    return std::any_of(host.pod_cidrs.begin(), host.pod_cidrs.end(),
                       [&](const Prefix& cidr) { return cidr.family() == family; });
}

}  // namespace

std::vector<Verdict> forwarding_enabled(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        for (const Family family : {Family::v4, Family::v6}) {
            if (!has_pods(host, family)) continue;
            const HostFacts* facts = facts_of(snapshot, host.name);
            if (facts == nullptr) {
                verdicts.push_back(not_read(snapshot, host, std::string(to_string(family))));
                continue;
            }
            const Node node = look_at(snapshot, host, *facts, family);
            verdicts.push_back(family == Family::v4 ? judge_ipv4(node) : judge_ipv6(node));
        }
    }
    return verdicts;
}

}  // namespace podroute
