// Links and sysctls of one host, as they decide over packets.
#include "engine/walk_host.h"

#include <algorithm>
#include <charconv>

#include "engine/route_text.h"

namespace podroute {
namespace {

using Forwarding = LinkSettings::Forwarding;
using SysctlValues = std::map<std::string, std::string>;

// A sysctl's value under an overlay; none: absent or not read.
std::optional<std::string> value_of(const HostFacts& facts, std::span<const Change> overlay,
                                    const std::string& name) {
    std::optional<std::string> overlaid;
    bool forwarding_raised = false;
    for (const Change& change : overlay) {
        if (const auto* set = change.after ? std::get_if<SysctlValues>(&*change.after) : nullptr)
            if (const auto value = set->find(name); value != set->end()) overlaid = value->second;
        const auto* object = std::get_if<SysctlObject>(&change.object);
        const auto* after =
            object != nullptr && change.after ? std::get_if<std::string>(&*change.after) : nullptr;
        if (after == nullptr) continue;
        if (object->name == name) overlaid = *after;
        if (object->name == "ipv4/ip_forward" && *after != "0") forwarding_raised = true;
    }
    if (overlaid) return overlaid;
    // Raising ip_forward overwrites every link's own setting (devinet_sysctl_forward(), net/ipv4/devinet.c).
    if (forwarding_raised && name.starts_with("ipv4/conf/") && name.ends_with("/forwarding")) return "1";
    const auto at = facts.sysctls.find(name);
    if (at == facts.sysctls.end() || !at->second.known()) return std::nullopt;
    return *at->second;
}

bool was_refused(const HostFacts& facts, const std::string& name) {
    const auto at = facts.sysctls.find(name);
    return at != facts.sysctls.end() && !at->second.known();
}

int number(const std::optional<std::string>& text) {
    int value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

bool link_up(const Link& link, std::span<const Change> overlay) {
    for (const Change& change : overlay) {
        const auto* object = std::get_if<LinkObject>(&change.object);
        const auto* after =
            object != nullptr && change.after ? std::get_if<std::string>(&*change.after) : nullptr;
        if (after != nullptr && object->name == link.name) return *after == "up";
    }
    return link.admin_up() && (link.carrier || link.kind == "bridge");
}

void read_ipv4(LinkSettings& settings, const HostFacts& facts, std::span<const Change> overlay,
               const std::string& conf) {
    const auto all = value_of(facts, overlay, "ipv4/ip_forward");
    const auto own = value_of(facts, overlay, "ipv4/conf/" + conf + "/forwarding");
    if (!all || was_refused(facts, "ipv4/conf/" + conf + "/forwarding")) {
        settings.ipv4_reason = "whether forwarding is on was not read";
        return;
    }
    settings.ipv4 = *all == "0" || (own && *own == "0") ? Forwarding::off : Forwarding::on;
    settings.ipv4_reason = *all == "0" ? "forwarding is off" : "forwarding is off on " + settings.name;
}

void read_ipv6(LinkSettings& settings, const HostFacts& facts, std::span<const Change> overlay,
               const std::string& conf) {
    const auto all = value_of(facts, overlay, "ipv6/conf/all/forwarding");
    if (!all) {
        settings.ipv6_reason = "whether IPv6 forwarding is on was not read";
        return;
    }
    const auto forced = value_of(facts, overlay, "ipv6/conf/" + conf + "/force_forwarding");
    settings.ipv6 = *all != "0" || (forced && *forced == "1") ? Forwarding::on : Forwarding::off;
    settings.ipv6_reason = "IPv6 forwarding is off";
}

}  // namespace

WalkHost::WalkHost(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts)
    : host_(&host),
      facts_(&facts),
      fib_(facts),
      roles_(std::make_shared<const HostRoles>(roles(facts, host))),
      neighbours_(std::make_shared<const Neighbours>(facts, snapshot, host.name)) {
    read_all_settings({});
}

WalkHost::WalkHost(const WalkHost& base, std::span<const Change> overlay)
    : host_(base.host_),
      facts_(base.facts_),
      fib_(base.fib_.with(overlay)),
      roles_(base.roles_),
      neighbours_(base.neighbours_),
      settings_(base.settings_) {
    bool reread = false;
    for (const Change& change : overlay) {
        reread = reread || std::holds_alternative<SysctlObject>(change.object) ||
                 std::holds_alternative<SysctlSetObject>(change.object) ||
                 std::holds_alternative<LinkObject>(change.object);
        if (const auto* neighbour = std::get_if<NeighbourObject>(&change.object))
            removed_neighbours_.push_back(*neighbour);
    }
    if (reread) read_all_settings(overlay);
}

LinkSettings WalkHost::read_settings(const Link* link, std::span<const Change> overlay) const {
    LinkSettings settings;
    const std::string conf = link != nullptr ? link->name : "default";
    settings.name = link != nullptr ? link->name : "new links";
    settings.up = link == nullptr || link_up(*link, overlay);
    read_ipv4(settings, *facts_, overlay, conf);
    read_ipv6(settings, *facts_, overlay, conf);
    const std::string rp_filter = "ipv4/conf/" + conf + "/rp_filter";
    settings.rp_filter = std::max(number(value_of(*facts_, overlay, "ipv4/conf/all/rp_filter")),
                                  number(value_of(*facts_, overlay, rp_filter)));
    if (was_refused(*facts_, rp_filter) || was_refused(*facts_, "ipv4/conf/all/rp_filter"))
        settings.rp_filter = -1;
    return settings;
}

void WalkHost::read_all_settings(std::span<const Change> overlay) {
    std::unordered_map<std::uint32_t, LinkSettings> all;
    all.emplace(kFutureLink, read_settings(nullptr, overlay));
    if (facts_->links.known())
        for (const Link& link : *facts_->links) all.emplace(link.index, read_settings(&link, overlay));
    settings_ = std::make_shared<const std::unordered_map<std::uint32_t, LinkSettings>>(std::move(all));
}

const LinkSettings& WalkHost::settings(std::uint32_t ifindex) const {
    const auto at = settings_->find(ifindex);
    return at != settings_->end() ? at->second : settings_->at(kFutureLink);
}

const Link* WalkHost::link(std::uint32_t ifindex) const {
    return find_link(*facts_, ifindex);
}

NeighbourState WalkHost::neighbour(const Address& address, std::uint32_t ifindex) const {
    const NeighbourObject key{address, ifindex};
    if (std::find(removed_neighbours_.begin(), removed_neighbours_.end(), key) != removed_neighbours_.end())
        return {};
    return neighbours_->state(address, ifindex);
}

}  // namespace podroute
