// Look-ups in an inventory, and what holds for every one.
#include "model/inventory.h"

#include <algorithm>
#include <set>

namespace podroute {

std::optional<Address> InventoryHost::address(Family family) const {
    const auto at = std::find_if(addresses.begin(), addresses.end(),
                                 [&](const Address& a) { return a.family() == family; });
    return at == addresses.end() ? std::nullopt : std::optional(*at);
}

const InventoryHost* Inventory::find(const HostId& name) const {
    // Names mostly differ in their last digit and are as long as each other: few are compared as a whole.
    const auto at = std::find_if(hosts.begin(), hosts.end(), [&](const InventoryHost& h) {
        return h.name.size() == name.size() && (name.empty() || h.name.back() == name.back()) &&
               h.name == name;
    });
    return at == hosts.end() ? nullptr : &*at;
}

const InventoryHost* Inventory::owner_of(const Address& node_address) const {
    const auto at = std::find_if(hosts.begin(), hosts.end(), [&](const InventoryHost& h) {
        return std::find(h.addresses.begin(), h.addresses.end(), node_address) != h.addresses.end();
    });
    return at == hosts.end() ? nullptr : &*at;
}

std::size_t Inventory::pod_networks() const {
    std::size_t n = 0;
    for (const auto& h : hosts) n += h.pod_cidrs.size();
    return n;
}

bool valid_host_name(std::string_view name) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '.' || c == '_';
    };
    return !name.empty() && name.size() <= 253 && name.front() != '-' && name.front() != '.' &&
           std::all_of(name.begin(), name.end(), letter);
}

Result<void> validate(const Inventory& inventory) {
    if (inventory.hosts.empty()) return failure("empty-inventory", "no hosts");
    if (inventory.hosts.size() > kMaxHosts || inventory.pod_networks() > kMaxHosts)
        return failure("too-many-hosts", "more than " + std::to_string(kMaxHosts) + " hosts or pod CIDRs");
    std::set<HostId> names;
    std::set<Address> addresses;
    for (const auto& host : inventory.hosts) {
        if (!valid_host_name(host.name)) return failure("bad-name", "a host name that is none");
        if (!names.insert(host.name).second) return failure("duplicate-name", host.name + " stands twice");
        std::set<Family> families;
        for (const auto& a : host.addresses) {
            if (!families.insert(a.family()).second)
                return failure("duplicate-family", host.name + " has two addresses of one family");
            if (!addresses.insert(a).second)
                return failure("duplicate-address", a.to_string() + " belongs to two hosts");
        }
        if (host.addresses.empty()) return failure("no-address", host.name + " has no address");
        for (const auto& cidr : host.pod_cidrs)
            if (!families.contains(cidr.family()))
                return failure("no-node-address", host.name + " has no " +
                                                      std::string(to_string(cidr.family())) +
                                                      " node address for " + cidr.to_string());
    }
    return {};
}

}  // namespace podroute
