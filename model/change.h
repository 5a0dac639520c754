// A change of one object on one host, as data: what --fix applies, what undo takes back, and what a walk is
// overlaid with.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>

#include "model/facts.h"
#include "model/inventory.h"

namespace podroute {

// Objects, by the key the kernel knows them by.
struct RouteObject {
    Prefix destination;
    std::uint32_t table = kTableMain;
    std::uint32_t metric = 0;
    std::uint8_t tos = 0;
    bool operator==(const RouteObject&) const = default;
};
struct NeighbourObject {
    Address address;
    std::uint32_t ifindex = 0;
    bool operator==(const NeighbourObject&) const = default;
};
struct SysctlObject {
    std::string name;  // as the keys of HostFacts::sysctls
    bool operator==(const SysctlObject&) const = default;
};
// A sysctl that overwrites others when it is written (ipv4/ip_forward, ipv6/conf/all/forwarding), together
// with all that it overwrites. Its state is every value of the set; it is applied by writing `name` first,
// then what differs.
struct SysctlSetObject {
    std::string name;
    bool operator==(const SysctlSetObject&) const = default;
};
struct FileObject {
    std::string path;
    bool operator==(const FileObject&) const = default;
};
// The last two are for overlays only: no agent applies them.
struct RuleObject {
    Rule rule;
    bool operator==(const RuleObject&) const = default;
};
struct LinkObject {
    std::string name;
    bool operator==(const LinkObject&) const = default;
};
using Object = std::variant<RouteObject, NeighbourObject, SysctlObject, FileObject, RuleObject, LinkObject,
                            SysctlSetObject>;

// States: a whole route, a whole neighbour entry, or text (sysctl value, file contents; "up" or "down" of a
// link; "present" of a rule), or the values of a sysctl set by their names.
using State = std::variant<Route, Neighbour, std::string, std::map<std::string, std::string>>;

struct Change {
    Object object;
    std::optional<State> before;  // empty: absent
    std::optional<State> after;   // empty: absent
    bool operator==(const Change&) const = default;
};

struct HostChange {
    HostId host;
    Change change;
    bool operator==(const HostChange&) const = default;
};

}  // namespace podroute
