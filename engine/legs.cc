// Judges next hops against the addresses that the owner carries.
#include "engine/legs.h"

#include <algorithm>
#include <array>

#include "engine/route_text.h"

namespace podroute {

OwnerAddresses::OwnerAddresses(const Snapshot& snapshot, const InventoryHost& owner)
    : inventory(owner.addresses.begin(), owner.addresses.end()) {
    all = inventory;
    static const Unknown not_read{"its facts were not read", "", ""};
    const auto facts = snapshot.hosts.find(owner.name);
    if (facts == snapshot.hosts.end()) {
        unread = &not_read;
    } else if (!facts->second.known()) {
        unread = &facts->second.unknown();
    } else if (!facts->second->addresses.known()) {
        unread = &facts->second->addresses.unknown();
    } else {
        for (const InterfaceAddress& address : *facts->second->addresses)
            if (!Prefix{Address::v4(0x7f000000U), 8}.contains(address.address)) all.insert(address.address);
    }
}

bool is_tunnel(const Link& link) {
    static constexpr std::array<std::string_view, 10> kinds{
        "ipip", "gre", "gretap", "ip6gre", "sit", "ip6tnl", "wireguard", "vxlan", "tun", "geneve"};
    return std::find(kinds.begin(), kinds.end(), link.kind) != kinds.end();
}

LegResult judge_leg(const NextHop& hop, const HostFacts& facts, const OwnerAddresses& owner) {
    const Link* link = find_link(facts, hop.ifindex);
    if (!hop.gateway) {
        const std::string name = link_name(facts, hop.ifindex);
        if (link != nullptr && is_tunnel(*link))
            return {LegJudgement::unknown, "it leaves by the tunnel " + name, ""};
        return {LegJudgement::wrong, "it has no next hop: " + name + " would ask for every pod itself", ""};
    }
    if (owner.all.contains(*hop.gateway)) return {LegJudgement::right, "", ""};
    const std::string gateway = hop.gateway->to_string();
    if (owner.unread != nullptr)
        return {LegJudgement::unknown, gateway + " may be an address of the owner, which was not read",
                owner.unread->code};
    return {LegJudgement::wrong, gateway + " is no address of the owner", ""};
}

LegResult judge_legs(const std::vector<NextHop>& hops, const HostFacts& facts, const OwnerAddresses& owner) {
    if (hops.empty()) return {LegJudgement::wrong, "it has no next hop", ""};
    LegResult result{LegJudgement::right, "", ""};
    for (const NextHop& hop : hops) {
        LegResult leg = judge_leg(hop, facts, owner);
        if (leg.judgement == LegJudgement::wrong) return leg;
        if (leg.judgement == LegJudgement::unknown) result = std::move(leg);
    }
    return result;
}

}  // namespace podroute
