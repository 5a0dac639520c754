// address-present: every host carries the node addresses that machines.txt gives it.
#include <algorithm>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/sysctls.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxShown = 8;

std::string carried(const HostFacts& facts, Family family) {
    std::vector<std::string> texts;
    for (const InterfaceAddress& address : *facts.addresses) {
        const Link* link = find_link(facts, address.ifindex);
        if (address.address.family() != family || address.address.is_link_local()) continue;
        if (link != nullptr && link->loopback()) continue;
        if (texts.size() < kMaxShown)
            texts.push_back(address.address.to_string() + " dev " + link_name(facts, address.ifindex));
    }
    return texts.empty() ? "no address of that family" : joined_text(texts);
}

// Another host's address on this one, and not its own: SSH may have led to the wrong machine.
const InventoryHost* mistaken_for(const Snapshot& snapshot, const InventoryHost& host,
                                  const HostFacts& facts) {
    for (const InventoryHost& other : snapshot.inventory.hosts)
        for (const Address& address : other.addresses)
            if (other.name != host.name && carries(facts, address)) return &other;
    return nullptr;
}

// Routes that went with the address, or with IPv6 on the link.
void add_lost_routes(Cause& cause, const InventoryHost& host, const HostFacts& facts, Family family,
                     const Expected& expected) {
    if (!facts.routes.known()) return;
    for (const ExpectedRoute& route : expected.routes) {
        const bool kept = std::any_of(facts.routes->begin(), facts.routes->end(),
                                      [&](const Route& r) { return r.destination == route.pod_cidr; });
        if (route.host == host.name && route.pod_cidr.family() == family && !kept)
            cause.commands.push_back(on_host(host.name, route_add_command(route)));
    }
}

Cause missing_cause(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                    const Address& address, const Expected& expected) {
    Cause cause;
    cause.code = "address-missing";
    cause.host = host.name;
    cause.subject = address.to_string();
    cause.summary = "no link of " + host.name + " carries its address " + address.to_string();
    cause.evidence.push_back("it carries " + carried(facts, address.family()));
    if (const InventoryHost* other = mistaken_for(snapshot, host, facts)) {
        cause.evidence.push_back("it carries an address of " + other->name +
                                 ": SSH may have led to the wrong machine, see HostName in ssh_config");
        return cause;
    }
    const auto links = uplinks(snapshot, host, facts);
    const std::string device = links.size() == 1 ? link_name(facts, links.front()) : "LINK";
    const std::string disabled = "ipv6/conf/" + device + "/disable_ipv6";
    if (!address.is_v4() && read_setting(facts, disabled).is(1)) {
        cause.evidence.push_back("IPv6 is turned off on " + device);
        cause.commands.push_back(setting_command(host.name, disabled, 0));
    }
    if (plain_word(device))
        cause.commands.push_back(
            on_host(host.name, "ip address add " + address.to_string() + "/" +
                                   std::to_string(node_prefix_length(snapshot, address.family())) + " dev " +
                                   device));
    add_lost_routes(cause, host, facts, address.family(), expected);
    return cause;
}

// IPv6 addresses go when their link goes down.
const Link* link_in_the_way(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                            const Address& address) {
    if (address.is_v4()) return nullptr;
    for (const std::uint32_t index : uplinks(snapshot, host, facts)) {
        const Link* link = find_link(facts, index);
        if (link != nullptr && !link->admin_up()) return link;
    }
    return nullptr;
}

Verdict judge_address(const Snapshot& snapshot, const InventoryHost& host, const Address& address,
                      const Expected& expected) {
    const std::string subject = address.to_string();
    const HostFacts* facts = facts_of(snapshot, host.name);
    if (facts == nullptr) return not_read(snapshot, host, subject);
    if (!facts->addresses.known())
        return part_not_read(host, subject, "the addresses", facts->addresses.unknown());
    if (const InterfaceAddress* found = find_address(*facts, address))
        return verdict(host, subject, Status::pass, "on " + link_name(*facts, found->ifindex));
    if (const Link* link = link_in_the_way(snapshot, host, *facts, address))
        return blocked(host, subject, "link-down", link->name + " is down");
    Verdict made = failed(host, subject, missing_cause(snapshot, host, *facts, address, expected));
    made.expected = subject;
    made.observed = carried(*facts, address.family());
    return made;
}

}  // namespace

std::vector<Verdict> address_present(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts)
        for (const Address& address : host.addresses)
            verdicts.push_back(judge_address(snapshot, host, address, expected));
    return verdicts;
}

}  // namespace podroute
