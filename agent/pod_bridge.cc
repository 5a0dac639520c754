// What a bridge is now, from netlink and sysfs.
#include "agent/pod_bridge.h"

#include <linux/if.h>
#include <linux/if_addr.h>

#include <algorithm>

#include "agent/files.h"
#include "agent/tables.h"

namespace podroute::agent {
namespace {

// The MAC was set by somebody (NET_ADDR_SET of linux/netdevice.h), and so stays. Only sysfs says it, and
// sysfs may be that of another namespace: then the answer is no.
bool mac_is_set(const Interface& bridge) {
    const auto attribute = [&](const char* name) {
        auto text = read_file("/sys/class/net/" + bridge.name + "/" + name, 64).value_or("");
        while (!text.empty() && text.back() == '\n') text.pop_back();
        return text;
    };
    return attribute("ifindex") == std::to_string(bridge.index) &&
           attribute("address") == to_string(bridge.mac) && attribute("addr_assign_type") == "3";
}

Result<std::string> why_mac_would_change(Netlink& netlink, const Interface& bridge, const Mac& host_mac) {
    if (mac_is_set(bridge)) return std::string();
    const auto links = read_links(netlink);
    if (!links) return tl::unexpected(links.error());
    const bool alone =
        std::none_of(links->begin(), links->end(), [&](const Link& l) { return l.master == bridge.index; });
    if (alone) return "the MAC of " + bridge.name + " is not set, and it has no port";
    if (host_mac < bridge.mac) return "the MAC of " + bridge.name + " is not set, and is too high";
    return std::string();
}

Result<std::string> why_addresses_would_change(Netlink& netlink, const Interface& bridge) {
    if (bridge.carrier || (bridge.flags & IFF_UP) == 0) return std::string();
    const auto addresses = read_addresses(netlink);
    if (!addresses) return tl::unexpected(addresses.error());
    bool link_local = false, tentative = false;
    for (const auto& a : *addresses)
        if (a.ifindex == bridge.index && !a.address.is_v4()) {
            link_local = link_local || a.address.is_link_local();
            tentative = tentative || (a.flags & IFA_F_TENTATIVE) != 0;
        }
    if (tentative || (bridge.makes_link_local && !link_local)) return bridge.name + " has never had carrier";
    return std::string();
}

}  // namespace

Result<Bridge> look_at_bridge(Netlink& netlink, const std::string& name, const Mac& host_mac) {
    auto link = interface_named(netlink, name);
    if (!link) return tl::unexpected(link.error());
    if (link->kind != "bridge") return failure("no-bridge", name + " is no bridge");
    Bridge bridge{std::move(*link), {}};
    if (bridge.link.spanning_tree) {
        bridge.keep_off = name + " runs the spanning tree protocol";
        return bridge;
    }
    auto why = why_mac_would_change(netlink, bridge.link, host_mac);
    if (why && why->empty()) why = why_addresses_would_change(netlink, bridge.link);
    if (!why) return tl::unexpected(why.error());
    bridge.keep_off = std::move(*why);
    return bridge;
}

}  // namespace podroute::agent
