// Comparing states, and the two decisions.
#include "agent/changes.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace podroute::agent {
namespace {

using Values = std::map<std::string, std::string>;

constexpr std::uint32_t kIpv6DefaultMetric = 1024;
constexpr std::uint8_t kOnlink = 4;           // RTNH_F_ONLINK
constexpr std::size_t kMaxDescription = 300;  // bytes
constexpr std::size_t kMaxNextHops = 32;      // so that a route fits into a message
constexpr std::uint8_t kOurProtocol = 112;

void normalise(const Prefix& destination, std::uint32_t& table, std::uint32_t& metric) {
    if (table == 0) table = kTableMain;
    if (destination.family() == Family::v6 && metric == 0) metric = kIpv6DefaultMetric;
}

void normalise(std::optional<State>& state) {
    if (auto* route = state ? std::get_if<Route>(&*state) : nullptr)
        normalise(route->destination, route->table, route->metric);
}

Result<void> malformed(const std::string& text) {
    return failure("bad-change", text);
}

bool can_be_made(const Route& r) {
    if (r.next_hops.size() > kMaxNextHops) return false;
    switch (r.type) {
        case RouteType::unicast:
            return !r.next_hops.empty() && !r.source;
        case RouteType::blackhole:
        case RouteType::unreachable:
        case RouteType::prohibit:
        case RouteType::throw_:
            return r.next_hops.empty() && !r.source;
        default:
            return false;
    }
}

Result<void> fits(const RouteObject& o, const State& state) {
    const auto* r = std::get_if<Route>(&state);
    if (r == nullptr) return malformed("the state of a route is a route");
    if (std::tie(o.destination, o.table, o.metric, o.tos) !=
        std::tie(r->destination, r->table, r->metric, r->tos))
        return malformed("the route is another one than the object names");
    if (!can_be_made(*r)) return malformed("a route of that type and with those next hops is not made here");
    return {};
}

Result<void> fits(const NeighbourObject& o, const State& state) {
    const auto* n = std::get_if<Neighbour>(&state);
    if (n == nullptr || n->address != o.address || n->ifindex != o.ifindex)
        return malformed("the state of a neighbour is that neighbour's entry");
    return {};
}

Result<void> fits(const SysctlObject&, const State& state) {
    return std::holds_alternative<std::string>(state) ? Result<void>{}
                                                      : malformed("the state of a sysctl is its value");
}

Result<void> fits(const SysctlSetObject& o, const State& state) {
    const auto* values = std::get_if<Values>(&state);
    if (values == nullptr || !values->contains(o.name))
        return malformed("the state of a set of sysctls holds the one it is named after");
    return {};
}

template <class Other>
Result<void> fits(const Other&, const State&) {
    return malformed("no agent changes an object of that kind");
}

bool same_hop(const NextHop& now, const NextHop& wanted) {
    return now.gateway == wanted.gateway && (wanted.ifindex == 0 || now.ifindex == wanted.ifindex) &&
           (now.flags & kOnlink) == (wanted.flags & kOnlink) &&
           std::max<std::uint16_t>(now.weight, 1) == std::max<std::uint16_t>(wanted.weight, 1);
}

// In any order. Those that leave the interface open take what the others leave over.
bool same_hops(const std::vector<NextHop>& now, std::vector<NextHop> wanted) {
    std::stable_partition(wanted.begin(), wanted.end(), [](const NextHop& hop) { return hop.ifindex != 0; });
    auto left = now;
    for (const auto& hop : wanted) {
        const auto at =
            std::find_if(left.begin(), left.end(), [&](const NextHop& n) { return same_hop(n, hop); });
        if (at == left.end()) return false;
        left.erase(at);
    }
    return left.empty();
}

bool same(const Route& now, const Route& wanted) {
    const auto key = [](const Route& r) {
        return std::tie(r.destination, r.table, r.metric, r.tos, r.type, r.protocol, r.source,
                        r.preferred_source);
    };
    return key(now) == key(wanted) && same_hops(now.next_hops, wanted.next_hops);
}

bool same(const Neighbour& now, const Neighbour& wanted) {
    return now.address == wanted.address && now.ifindex == wanted.ifindex && now.mac == wanted.mac;
}

bool same(const std::string& now, const std::string& wanted) {
    return now == wanted;
}

bool same(const Values& now, const Values& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const auto& value) {
        const auto at = now.find(value.first);
        return at != now.end() && at->second == value.second;
    });
}

// Learned entries come and go by themselves.
bool is_absent(const std::optional<State>& state) {
    if (!state) return true;
    const auto* neighbour = std::get_if<Neighbour>(&*state);
    return neighbour != nullptr && !neighbour->permanent();
}

std::string value_of(const std::optional<State>& state, const std::string& name) {
    const auto* values = state ? std::get_if<Values>(&*state) : nullptr;
    const auto at = values == nullptr ? Values::const_iterator{} : values->find(name);
    return values == nullptr || at == values->end() ? std::string() : at->second;
}

Decision leave(std::string reason) {
    return {Decision::Kind::leave, std::move(reason)};
}

std::string text(const Route& r) {
    static constexpr std::array kTypes{"unspec ",   "",           "local ",     "broadcast ",
                                       "anycast ",  "multicast ", "blackhole ", "unreachable ",
                                       "prohibit ", "throw ",     "nat ",       "xresolve "};
    std::string out = kTypes.at(static_cast<std::size_t>(r.type)) + r.destination.to_string();
    for (const auto& hop : r.next_hops) {
        if (hop.gateway) out += " via " + hop.gateway->to_string();
        out += " interface " + std::to_string(hop.ifindex);
    }
    out += " metric " + std::to_string(r.metric) + " protocol " + std::to_string(r.protocol);
    return out;
}

std::string text(const Neighbour& n) {
    return n.address.to_string() + " at " + n.mac + (n.permanent() ? " permanent" : "");
}

std::string text(const std::string& value) {
    return value;
}

std::string text(const Values& values) {
    std::string out;
    for (const auto& [name, value] : values) {
        if (!out.empty()) out += ", ";
        out += name;
        out += '=';
        out += value;
        if (out.size() > kMaxDescription) return out.substr(0, kMaxDescription) + " ..";
    }
    return out;
}

}  // namespace

Change normalised(Change change) {
    if (auto* route = std::get_if<RouteObject>(&change.object))
        normalise(route->destination, route->table, route->metric);
    normalise(change.before);
    normalise(change.after);
    return change;
}

Result<void> well_formed(const Change& change) {
    return std::visit(
        [&](const auto& object) -> Result<void> {
            constexpr bool kValue = std::is_same_v<std::decay_t<decltype(object)>, SysctlObject> ||
                                    std::is_same_v<std::decay_t<decltype(object)>, SysctlSetObject>;
            if (!change.before && !change.after) return malformed("a change from nothing to nothing");
            if (kValue && (!change.before || !change.after)) return malformed("a sysctl is never absent");
            for (const auto* state : {&change.before, &change.after})
                if (*state)
                    if (auto good = fits(object, **state); !good) return good;
            return {};
        },
        change.object);
}

bool is_as(const std::optional<State>& now, const std::optional<State>& wanted) {
    if (is_absent(now) || is_absent(wanted)) return is_absent(now) == is_absent(wanted);
    return std::visit(
        [](const auto& n, const auto& w) {
            if constexpr (std::is_same_v<decltype(n), decltype(w)>)
                return same(n, w);
            else
                return false;
        },
        *now, *wanted);
}

Decision decide_apply(const Change& change, const Found& now) {
    if (is_as(now.state, change.after)) return {Decision::Kind::nothing};
    if (!is_as(now.state, change.before)) return leave("it is no longer as planned: " + describe(now.state));
    if (change.before && !now.unrestorable.empty())
        return leave("it could not be restored as it is: " + now.unrestorable);
    const auto* route = change.before || !change.after ? nullptr : std::get_if<Route>(&*change.after);
    if (route != nullptr && route->protocol == kOurProtocol && !now.beside.empty())
        return leave("the table holds another route to that prefix: " + now.beside);
    return {Decision::Kind::write};
}

std::optional<State> revert_goal(const Change& change, const Found& now) {
    const auto* values = now.state ? std::get_if<Values>(&*now.state) : nullptr;
    const auto* before = change.before ? std::get_if<Values>(&*change.before) : nullptr;
    if (values == nullptr || before == nullptr) return change.before;
    Values goal = *before;
    std::erase_if(goal, [&](const auto& value) { return !values->contains(value.first); });
    return goal;
}

Decision decide_revert(const Change& change, const Found& now) {
    if (is_as(now.state, revert_goal(change, now))) return {Decision::Kind::nothing};
    if (const auto* set = std::get_if<SysctlSetObject>(&change.object)) {
        const auto value = value_of(now.state, set->name);
        if (value == value_of(change.after, set->name) || value == value_of(change.before, set->name))
            return {Decision::Kind::write};
    } else if (is_as(now.state, change.after)) {
        return {Decision::Kind::write};
    }
    return leave("left alone, because another has changed it: " + describe(now.state));
}

std::string describe(const std::optional<State>& state) {
    if (is_absent(state)) return "absent";
    return std::visit([](const auto& s) { return text(s); }, *state);
}

}  // namespace podroute::agent
