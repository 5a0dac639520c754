// Fixes in words.
#include "engine/fix_text.h"

#include <algorithm>

#include "engine/login_text.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

using Values = std::map<std::string, std::string>;

constexpr std::uint8_t kProtocolPodroute = 112;

template <class T>
const T* state_of(const std::optional<State>& state) {
    return state ? std::get_if<T>(&*state) : nullptr;
}

// "net.ipv4.ip_forward"; with slashes where the link's name has a dot, as sysctl(8) wants it.
std::string setting_name(const std::string& name) {
    std::string text = "net/" + name;
    if (text.find('.') == std::string::npos) std::replace(text.begin(), text.end(), '/', '.');
    return text;
}

std::string route_line(const Route& route, const HostFacts& facts) {
    std::string text = route_text(route, facts);
    if (route.protocol == kProtocolPodroute) text += " proto " + std::to_string(kProtocolPodroute);
    return text;
}

std::string neighbour_text(const Address& address, std::uint32_t ifindex, const HostFacts& facts) {
    return address.to_string() + " dev " + link_name(facts, ifindex);
}

std::string assignment(const std::string& name, const std::string& value) {
    return " " + setting_name(name) + "=" + value;
}

// The write of the name itself, then of what it would overwrite otherwise.
std::string set_command(const std::string& name, const Values& after) {
    const auto own = after.find(name);
    if (own == after.end()) return {};
    std::string text = "sysctl -w" + assignment(name, own->second);
    for (const auto& [other, value] : after) {
        const bool same_switch = other == name || other.ends_with("/conf/all/forwarding");
        const bool forwarding = other.ends_with("/forwarding");
        const bool overwritten = forwarding || other.ends_with("/all/accept_redirects");
        // inet_forward_change() of net/ipv4/devinet.c: forwarding of all is set, accept_redirects the other
        // way.
        const std::string now = forwarding ? own->second : own->second == "0" ? "1" : "0";
        if (!same_switch && overwritten && value != now) text += assignment(other, value);
    }
    return text;
}

std::string route_change_command(const Change& change, const HostFacts& facts) {
    const auto* before = state_of<Route>(change.before);
    const auto* after = state_of<Route>(change.after);
    if (after == nullptr) return before == nullptr ? "" : route_command("del", *before, facts);
    std::string text = route_command(before == nullptr ? "add" : "replace", *after, facts);
    if (after->protocol == kProtocolPodroute) text += " proto " + std::to_string(kProtocolPodroute);
    return text;
}

std::string bare_command(const Change& change, const HostFacts& facts) {
    if (std::holds_alternative<RouteObject>(change.object)) return route_change_command(change, facts);
    if (const auto* sysctl = std::get_if<SysctlObject>(&change.object)) {
        const auto* after = state_of<std::string>(change.after);
        return after == nullptr ? "" : "sysctl -w" + assignment(sysctl->name, *after);
    }
    if (const auto* set = std::get_if<SysctlSetObject>(&change.object)) {
        const auto* after = state_of<Values>(change.after);
        return after == nullptr ? "" : set_command(set->name, *after);
    }
    if (const auto* neighbour = std::get_if<NeighbourObject>(&change.object); neighbour && !change.after)
        return "ip neigh del " + neighbour_text(neighbour->address, neighbour->ifindex, facts);
    return {};
}

}  // namespace

std::string object_text(const Object& object, const HostFacts& facts) {
    if (const auto* route = std::get_if<RouteObject>(&object)) {
        Route shown;
        shown.destination = route->destination;
        shown.table = route->table;
        shown.metric = route->metric;
        shown.tos = route->tos;
        return route_text(shown, facts);
    }
    if (const auto* neighbour = std::get_if<NeighbourObject>(&object))
        return neighbour_text(neighbour->address, neighbour->ifindex, facts);
    if (const auto* sysctl = std::get_if<SysctlObject>(&object)) return setting_name(sysctl->name);
    if (const auto* set = std::get_if<SysctlSetObject>(&object)) return setting_name(set->name);
    if (const auto* file = std::get_if<FileObject>(&object)) return file->path;
    if (const auto* rule = std::get_if<RuleObject>(&object)) return "rule " + rule_text(rule->rule);
    return "link " + std::get<LinkObject>(object).name;
}

std::vector<std::string> state_lines(const Object& object, const std::optional<State>& state,
                                     const HostFacts& facts) {
    if (const auto* route = state_of<Route>(state)) return {route_line(*route, facts)};
    if (const auto* neighbour = state_of<Neighbour>(state))
        return {neighbour_text(neighbour->address, neighbour->ifindex, facts) + " lladdr " + neighbour->mac +
                (neighbour->permanent() ? " PERMANENT" : "")};
    if (const auto* text = state_of<std::string>(state)) return {object_text(object, facts) + " = " + *text};
    std::vector<std::string> lines;
    if (const auto* values = state_of<Values>(state))
        for (const auto& [name, value] : *values) lines.push_back(setting_name(name) + " = " + value);
    return lines;
}

std::vector<std::string> change_diff(const Change& change, const HostFacts& facts) {
    const auto before = state_lines(change.object, change.before, facts);
    const auto after = state_lines(change.object, change.after, facts);
    const auto stands = [](const std::vector<std::string>& lines, const std::string& line) {
        return std::find(lines.begin(), lines.end(), line) != lines.end();
    };
    std::vector<std::string> diff;
    for (const std::string& line : before)
        if (!stands(after, line)) diff.push_back("- " + line);
    for (const std::string& line : after)
        if (!stands(before, line)) diff.push_back("+ " + line);
    return diff;
}

std::string change_command(const HostId& host, const Change& change, const HostFacts& facts) {
    const std::string command = bare_command(change, facts);
    // Names of links come from hosts and get into commands that are pasted.
    return command.empty() || !pasteable(command) ? "" : on_host(host, command);
}

Fix planned_fix(const HostId& host, const std::string& cause, Change change, const HostFacts& facts) {
    Fix fix;
    fix.id = host + "/" + cause + "/" + object_text(change.object, facts);
    fix.host = host;
    fix.cause = cause;
    fix.command = change_command(host, change, facts);
    fix.diff = change_diff(change, facts);
    fix.change = std::move(change);
    return fix;
}

Change reversed(const Change& change) {
    return {change.object, change.after, change.before};
}

}  // namespace podroute
