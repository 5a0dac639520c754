// Routes and rules in the words of iproute2.
#include "engine/route_text.h"

#include <array>
#include <cerrno>

namespace podroute {
namespace {

constexpr std::size_t kMaxLegsShown = 8;

std::string hop_text(const NextHop& hop, const HostFacts& facts) {
    std::string text;
    if (hop.gateway) text += " via " + hop.gateway->to_string();
    if (hop.ifindex != 0) text += " dev " + link_name(facts, hop.ifindex);
    return text;
}

std::string legs_text(const std::vector<NextHop>& hops, const HostFacts& facts) {
    if (hops.empty()) return "";
    if (hops.size() == 1) return hop_text(hops.front(), facts);
    std::string text;
    for (std::size_t i = 0; i < hops.size() && i < kMaxLegsShown; ++i)
        text += " nexthop" + hop_text(hops[i], facts);
    if (hops.size() > kMaxLegsShown) text += " .. (" + std::to_string(hops.size()) + " legs)";
    return text;
}

std::string table_text(std::uint32_t table) {
    if (table == 0 || table == kTableMain) return "";
    return " table " + (table == kTableLocal ? "local" : std::to_string(table));
}

std::string lookup_text(std::uint32_t table) {
    if (table == kTableMain) return "main";
    if (table == kTableLocal) return "local";
    return table == kTableDefault ? "default" : std::to_string(table);
}

std::string ports_text(std::uint16_t from, std::uint16_t to) {
    return from == to ? std::to_string(from) : std::to_string(from) + "-" + std::to_string(to);
}

std::string hex(std::uint32_t value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    do {
        text.insert(text.begin(), digits[value % 16]);
        value /= 16;
    } while (value != 0);
    return "0x" + text;
}

std::string selectors_text(const Rule& rule) {
    std::string text = " from " + (rule.source ? rule.source->to_string() : "all");
    if (rule.destination) text += " to " + rule.destination->to_string();
    if (rule.tos != 0) text += " tos " + hex(rule.tos);
    if (rule.fwmark != 0 || rule.fwmask != 0) text += " fwmark " + hex(rule.fwmark) + "/" + hex(rule.fwmask);
    if (!rule.iif.empty()) text += " iif " + rule.iif;
    if (!rule.oif.empty()) text += " oif " + rule.oif;
    if (rule.uid_from)
        text += " uidrange " + std::to_string(*rule.uid_from) + "-" +
                std::to_string(rule.uid_to.value_or(*rule.uid_from));
    if (rule.ip_proto != 0) text += " ipproto " + std::to_string(rule.ip_proto);
    if (rule.source_port_to != 0) text += " sport " + ports_text(rule.source_port_from, rule.source_port_to);
    if (rule.destination_port_to != 0)
        text += " dport " + ports_text(rule.destination_port_from, rule.destination_port_to);
    return text;
}

std::string action_text(const Rule& rule) {
    switch (rule.action) {
        case 1: {
            std::string text = " lookup " + lookup_text(rule.table);
            if (rule.suppress_prefix_length)
                text += " suppress_prefixlength " + std::to_string(*rule.suppress_prefix_length);
            return text;
        }
        case 2:
            return " goto " + std::to_string(rule.goto_priority);
        case 3:
            return " nop";
        case 7:
            return " unreachable";
        case 8:
            return " prohibit";
        default:
            return " blackhole";
    }
}

}  // namespace

const Link* find_link(const HostFacts& facts, std::uint32_t ifindex) {
    if (!facts.links.known()) return nullptr;
    for (const Link& link : *facts.links)
        if (link.index == ifindex) return &link;
    return nullptr;
}

std::string link_name(const HostFacts& facts, std::uint32_t ifindex) {
    const Link* link = find_link(facts, ifindex);
    return link != nullptr ? link->name : "if" + std::to_string(ifindex);
}

std::string type_name(RouteType type) {
    static constexpr std::array<const char*, 12> names{"unspec",   "unicast",   "local",     "broadcast",
                                                       "anycast",  "multicast", "blackhole", "unreachable",
                                                       "prohibit", "throw",     "nat",       "xresolve"};
    const auto at = static_cast<std::size_t>(type);
    return at < names.size() ? names[at] : "type " + std::to_string(at);
}

std::uint32_t default_metric(Family family) {
    return family == Family::v4 ? 0 : 1024;
}

std::string route_text(const Route& route, const HostFacts& facts) {
    std::string text = route.type == RouteType::unicast ? "" : type_name(route.type) + " ";
    text += route.destination.to_string();
    if (route.source) text += " from " + route.source->to_string();
    text += legs_text(route.next_hops, facts) + table_text(route.table);
    if (route.tos != 0) text += " tos " + hex(route.tos);
    if (route.metric != default_metric(route.destination.family()))
        text += " metric " + std::to_string(route.metric);
    return text;
}

std::string answer_text(const FibAnswer& answer, const HostFacts& facts) {
    if (!answer.matched) return error_text(answer.error);
    std::string text = answer.type == RouteType::unicast ? "" : type_name(answer.type) + " ";
    return text + answer.matched->to_string() + legs_text(answer.next_hops, facts) + table_text(answer.table);
}

std::string error_text(int error) {
    switch (error) {
        case ENETUNREACH:
            return "no match (network is unreachable)";
        case EHOSTUNREACH:
            return "unreachable (no route to host)";
        case EACCES:
            return "prohibited (permission denied)";
        case EINVAL:
            return "blackhole (invalid argument)";
        default:
            return "error " + std::to_string(error);
    }
}

std::string rule_text(const Rule& rule) {
    return std::to_string(rule.priority) + ":" + (rule.invert ? " not" : "") + selectors_text(rule) +
           action_text(rule);
}

std::string on_host(const HostId& host, const std::string& command) {
    return "ssh root@" + host + " " + command;
}

std::string route_command(const std::string& verb, const Route& route, const HostFacts& facts) {
    // Without the link: iproute2 and the kernel find it by the gateway, as in the tutorial.
    Route shown = route;
    if (shown.next_hops.size() == 1 && shown.next_hops.front().gateway &&
        !shown.next_hops.front().gateway->is_link_local())
        shown.next_hops.front().ifindex = 0;
    if (shown.type != RouteType::unicast) shown.next_hops.clear();  // IPv6 dumps them with dev lo
    const bool v6 = route.destination.family() == Family::v6;
    return std::string(v6 ? "ip -6" : "ip") + " route " + verb + " " + route_text(shown, facts);
}

std::string rule_del_command(const Rule& rule) {
    const std::string text = rule_text(rule);
    const auto colon = text.find(": ");
    return std::string(rule.family == Family::v6 ? "ip -6" : "ip") + " rule del priority " +
           text.substr(0, colon) + " " + text.substr(colon + 2);
}

}  // namespace podroute
