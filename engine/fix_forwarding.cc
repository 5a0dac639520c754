// The set of sysctls that one write of a forwarding switch overwrites, before and after.
#include "engine/fix_forwarding.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

using Values = std::map<std::string, std::string>;

constexpr std::uint8_t kProtocolRa = 9;  // RTPROT_RA
constexpr std::string_view kRefused = "refused";

// One family's switch.
struct Switch {
    std::string name, conf;                // "ipv4/ip_forward", "ipv4/conf/"
    std::vector<std::string> overwritten;  // of each link
};

std::optional<Switch> switch_of(const std::string& name) {
    if (name == "ipv4/ip_forward") return Switch{name, "ipv4/conf/", {"forwarding", "accept_redirects"}};
    if (name == "ipv6/conf/all/forwarding") return Switch{name, "ipv6/conf/", {"forwarding"}};
    return std::nullopt;
}

// The link of "ipv4/conf/eth0/forwarding" if the switch overwrites that; empty if it does not.
std::string link_of(const Switch& s, const std::string& name) {
    if (!name.starts_with(s.conf)) return {};
    const auto slash = name.rfind('/');
    const std::string setting = name.substr(slash + 1);
    if (slash < s.conf.size() ||
        std::find(s.overwritten.begin(), s.overwritten.end(), setting) == s.overwritten.end())
        return {};
    return name.substr(s.conf.size(), slash - s.conf.size());
}

Result<Values> values_before(const Switch& s, const HostFacts& facts) {
    Values values;
    for (const auto& [name, value] : facts.sysctls) {
        if (name != s.name && link_of(s, name).empty()) continue;
        if (!value.known())
            return failure(std::string(kRefused),
                           name + " was not read, and would be overwritten: " + value.unknown().why);
        values[name] = *value;
    }
    // The agent reads these where the switch is off. A host of which they are not known is not written to.
    std::vector<std::string> wanted{s.name};
    for (const std::string& setting : s.overwritten) {
        for (const char* link : {"all", "default"}) wanted.push_back(s.conf + link + "/" + setting);
        if (s.conf != "ipv4/conf/") continue;  // a link without IPv6 has no such setting
        for (const Link& link : *facts.links)
            wanted.push_back(std::string(s.conf).append(link.name).append("/").append(setting));
    }
    for (const std::string& name : wanted)
        if (!values.contains(name))
            return failure(std::string(kRefused), name + " was not read, and would be overwritten");
    return values;
}

// Links that carry node or pod traffic, by name; "default" where the pods' link is still to come.
std::set<std::string> carriers(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts) {
    const HostRoles found = roles(facts, host, snapshot.inventory);
    std::set<std::string> names;
    for (const std::uint32_t uplink : found.uplinks) names.insert(link_name(facts, uplink));
    names.insert(found.pod_bridge ? link_name(facts, *found.pod_bridge) : "default");
    // Without a bridge each pod has a link of its own, with a route to it.
    if (facts.routes.known())
        for (const Route& route : *facts.routes)
            for (const NextHop& hop : route.next_hops)
                if (!hop.gateway && route.table == kTableMain &&
                    std::any_of(host.pod_cidrs.begin(), host.pod_cidrs.end(),
                                [&](const Prefix& cidr) { return cidr.contains(route.destination); }))
                    names.insert(link_name(facts, hop.ifindex));
    return names;
}

bool keeps_default(const HostFacts& facts, const std::string& link) {
    const auto accept = facts.sysctls.find("ipv6/conf/" + link + "/accept_ra");
    return accept != facts.sysctls.end() && accept->second.known() && *accept->second == "2";
}

std::string advice(const std::string& link) {
    return "its IPv6 default route comes from router advertisements on " + link +
           " and would go at once: set accept_ra of " + link +
           " to 2 first (and make that permanent), then run --fix again";
}

// What stands in the way of IPv6 forwarding, with the advice; empty if nothing does.
std::string advertised_default(const HostFacts& facts) {
    for (const Route& route : *facts.routes) {
        if (!route.destination.is_default() || route.destination.family() != Family::v6) continue;
        if (route.protocol != kProtocolRa) continue;
        for (const NextHop& hop : route.next_hops) {
            const std::string link = link_name(facts, hop.ifindex);
            if (!keeps_default(facts, link)) return advice(link);
        }
    }
    return {};
}

}  // namespace

Result<Change> narrowest(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                         const Change& remedy) {
    const auto* object = std::get_if<SysctlObject>(&remedy.object);
    const auto s = object != nullptr ? switch_of(object->name) : std::nullopt;
    if (!s) {
        if (object != nullptr && !remedy.before)
            return failure(std::string(kRefused), object->name + " was not read");
        return remedy;
    }
    if (!facts.links.known() || !facts.routes.known() || !facts.addresses.known())
        return failure(std::string(kRefused),
                       "its links, addresses or routes were not read: which link carries pod traffic is "
                       "not known");
    if (s->name.starts_with("ipv6/"))
        if (const std::string why = advertised_default(facts); !why.empty())
            return failure(std::string(kRefused), why);
    if (roles(facts, host, snapshot.inventory).uplinks.empty())
        return failure(std::string(kRefused), "none of its links is known to carry node traffic");
    auto before = values_before(*s, facts);
    if (!before) return tl::unexpected(before.error());
    Values after = *before;
    const std::set<std::string> on = carriers(snapshot, host, facts);
    for (auto& [name, value] : after) {
        const std::string link = link_of(*s, name);
        const bool carries = name.ends_with("/forwarding") && (link == "all" || on.contains(link));
        if (name == s->name || carries) value = "1";
    }
    return Change{SysctlSetObject{s->name}, std::move(*before), std::move(after)};
}

}  // namespace podroute
