// Reads the tables by `ip -json`.
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/lab/fib_kernel.h"

namespace podroute::testing {
namespace {

using nlohmann::json;
using Links = std::map<std::string, std::uint32_t>;

json ip_json(const std::string& arguments) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(("ip -json " + arguments).c_str(), "r"), pclose);
    if (!pipe) throw std::runtime_error("ip does not start");
    std::string text;
    std::array<char, 4096> block{};
    while (const auto size = fread(block.data(), 1, block.size(), pipe.get()))
        text.append(block.data(), size);
    return text.empty() ? json::array() : json::parse(text);
}

std::uint32_t number(const json& value) {
    if (value.is_number()) return value.get<std::uint32_t>();
    const auto text = value.get<std::string>();
    const bool hex = text.starts_with("0x");
    std::uint32_t result = 0;
    std::from_chars(text.data() + (hex ? 2 : 0), text.data() + text.size(), result, hex ? 16 : 10);
    return result;
}
std::uint32_t number(const json& object, const char* key, std::uint32_t absent = 0) {
    return object.contains(key) ? number(object[key]) : absent;
}

Prefix prefix_of(const std::string& text, Family family) {
    if (text == "default" || text == "all") return Prefix::any(family);
    if (text.find('/') != std::string::npos) return Prefix::parse(text).value();
    return Prefix::host(Address::parse(text).value());
}

NextHop hop_of(const json& object, const Links& links) {
    NextHop hop;
    if (object.contains("gateway"))
        hop.gateway = Address::parse(object["gateway"].get<std::string>()).value();
    if (object.contains("via"))
        hop.gateway = Address::parse(object["via"]["host"].get<std::string>()).value();
    if (object.contains("dev")) hop.ifindex = links.at(object["dev"].get<std::string>());
    if (object.contains("flags")) {
        for (const json& flag : object["flags"]) {
            if (flag == "dead") hop.flags |= 1U;
            if (flag == "onlink") hop.flags |= 4U;
            if (flag == "linkdown") hop.flags |= 16U;
        }
    }
    return hop;
}

Route route_of(const json& object, Family family, const Links& links) {
    Route route;
    route.destination = prefix_of(object["dst"].get<std::string>(), family);
    route.table = number(object, "table", kTableMain);
    route.type = static_cast<RouteType>(number(object, "type", 1));
    route.tos = static_cast<std::uint8_t>(number(object, "tos"));
    route.metric = number(object, "metric");
    route.protocol = static_cast<std::uint8_t>(number(object, "protocol"));
    if (object.contains("from")) route.source = prefix_of(object["from"].get<std::string>(), family);
    if (object.contains("nexthops"))
        for (const json& hop : object["nexthops"]) route.next_hops.push_back(hop_of(hop, links));
    else if (object.contains("dev"))
        route.next_hops.push_back(hop_of(object, links));
    return route;
}

std::optional<Prefix> rule_prefix(const json& object, const char* key, const char* length, Family family) {
    if (!object.contains(key) || object[key] == "all") return std::nullopt;
    const auto address = Address::parse(object[key].get<std::string>()).value();
    return Prefix{address, number(object, length, family == Family::v4 ? 32 : 128)};
}

void read_ports(const json& object, const std::string& key, std::uint16_t& from, std::uint16_t& to) {
    from = static_cast<std::uint16_t>(number(object, (key + "_start").c_str(), number(object, key.c_str())));
    to = static_cast<std::uint16_t>(number(object, (key + "_end").c_str(), number(object, key.c_str())));
}

void read_action(const json& object, Rule& rule) {
    rule.action = 1;
    rule.table = number(object, "table");
    if (object.contains("goto")) {
        rule.action = 2;
        rule.goto_priority = number(object, "goto");
    } else if (object.contains("nop")) {
        rule.action = 3;
    } else if (object.contains("action")) {
        rule.action = static_cast<std::uint8_t>(number(object, "action"));
    }
}

Rule rule_of(const json& object, Family family) {
    Rule rule;
    rule.family = family;
    rule.priority = number(object, "priority");
    rule.invert = object.contains("not");
    rule.source = rule_prefix(object, "src", "srclen", family);
    rule.destination = rule_prefix(object, "dst", "dstlen", family);
    rule.iif = object.value("iif", "");
    rule.oif = object.value("oif", "");
    rule.fwmark = number(object, "fwmark");
    rule.fwmask = number(object, "fwmask", object.contains("fwmark") ? 0xffffffffU : 0);
    rule.tos = static_cast<std::uint8_t>(number(object, "tos"));
    if (object.contains("ipproto")) {
        auto text = object["ipproto"].get<std::string>();
        if (text.starts_with("ipproto-")) text.erase(0, 8);
        rule.ip_proto = static_cast<std::uint8_t>(number(json(text)));
    }
    read_ports(object, "sport", rule.source_port_from, rule.source_port_to);
    read_ports(object, "dport", rule.destination_port_from, rule.destination_port_to);
    if (object.contains("suppress_prefixlen"))
        rule.suppress_prefix_length = number(object, "suppress_prefixlen");
    if (object.contains("uid_start")) {
        rule.uid_from = number(object, "uid_start");
        rule.uid_to = number(object, "uid_end");
    }
    read_action(object, rule);
    return rule;
}

void read_sysctl(const std::string& name, HostFacts& facts) {
    std::string value;
    if (std::ifstream("/proc/sys/net/" + name) >> value) facts.sysctls[name] = value;
}

}  // namespace

void wait_for_carrier_loss(const std::string& link) {
    for (int i = 0; i < 300; ++i) {
        const json shown = ip_json("link show dev " + link);
        if (!shown.empty() && shown[0].value("operstate", "") != "UP") {
            usleep(20'000);  // the routes are marked in the same notification, just behind
            return;
        }
        usleep(10'000);
    }
    throw std::runtime_error(link + " did not lose its carrier");
}

void run_batch(const std::vector<std::string>& lines) {
    require_own_namespace();
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen("ip -force -batch - >/dev/null 2>&1", "w"),
                                                     pclose);
    if (!pipe) throw std::runtime_error("ip does not start");
    for (const std::string& line : lines) fputs((line + "\n").c_str(), pipe.get());
}

HostFacts dump_tables() {
    require_own_namespace();
    HostFacts facts;
    Links links;
    facts.links = std::vector<Link>{};
    for (const json& object : ip_json("link show")) {
        Link link;
        link.index = number(object, "ifindex");
        link.name = object["ifname"].get<std::string>();
        links[link.name] = link.index;
        facts.links->push_back(link);
    }
    for (const char* family : {"ipv4", "ipv6"})
        for (const auto& [name, index] : links)
            read_sysctl(std::string(family) + "/conf/" + name + "/ignore_routes_with_linkdown", facts);
    facts.routes = std::vector<Route>{};
    facts.rules = std::vector<Rule>{};
    for (const Family family : {Family::v4, Family::v6}) {
        const std::string option = family == Family::v4 ? "-4 " : "-6 ";
        for (const json& object : ip_json(option + "-N -details route show table all"))
            facts.routes->push_back(route_of(object, family, links));
        for (const json& object : ip_json(option + "-N -details rule show"))
            facts.rules->push_back(rule_of(object, family));
    }
    return facts;
}

}  // namespace podroute::testing
