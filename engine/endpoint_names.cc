// Names and addresses to endpoints.
#include "engine/endpoint_names.h"

#include <optional>
#include <string>

namespace podroute {
namespace {

std::string quoted(std::string_view text) {
    return "'" + std::string(text.substr(0, 80)) + "'";
}

std::string names(const Inventory& inventory) {
    constexpr std::size_t kShown = 8;
    std::string list;
    for (std::size_t i = 0; i < inventory.hosts.size() && i < kShown; ++i)
        list += (i == 0 ? "" : ", ") + inventory.hosts[i].name;
    return inventory.hosts.size() > kShown ? list + ", .." : list;
}

const InventoryHost* named(const Inventory& inventory, std::string_view text) {
    for (const InventoryHost& host : inventory.hosts)
        if (host.name == text || host.fqdn == text) return &host;
    return nullptr;
}

Result<Endpoint> of_address(const Inventory& inventory, const Address& address) {
    if (const InventoryHost* node = inventory.owner_of(address))
        return Endpoint{node->name, Vantage::node, address};
    for (const InventoryHost& host : inventory.hosts)
        for (const Prefix& cidr : host.pod_cidrs)
            if (cidr.contains(address)) return Endpoint{host.name, Vantage::pod, address};
    return failure("bad-endpoint",
                   address.to_string() + " is no address of a host and lies in no pod CIDR of the inventory");
}

Result<Endpoint> of_host(const InventoryHost& host, Family family) {
    for (const Prefix& cidr : host.pod_cidrs)
        if (cidr.family() == family) return Endpoint{host.name, Vantage::pod, cidr.sample_pod()};
    const auto address = host.address(family);
    if (host.pod_cidrs.empty() && address) return Endpoint{host.name, Vantage::node, *address};
    return failure("bad-endpoint", host.name + " has no " + std::string(to_string(family)) +
                                       (host.pod_cidrs.empty() ? " address" : " pod network"));
}

std::optional<Family> family_of(std::string_view text) {
    const auto address = Address::parse(text);
    return address ? std::optional(address->family()) : std::nullopt;
}

Result<std::pair<Endpoint, Endpoint>> both(const Inventory& inventory, std::string_view source,
                                           std::string_view destination, Family family) {
    const auto from = resolve_endpoint(inventory, source, family);
    if (!from) return tl::unexpected<Error>(from.error());
    const auto to = resolve_endpoint(inventory, destination, family);
    if (!to) return tl::unexpected<Error>(to.error());
    return std::pair(*from, *to);
}

}  // namespace

Result<Endpoint> resolve_endpoint(const Inventory& inventory, std::string_view text, Family family) {
    if (const InventoryHost* host = named(inventory, text)) return of_host(*host, family);
    if (const auto address = Address::parse(text)) return of_address(inventory, *address);
    return failure(
        "bad-endpoint",
        quoted(text) + " is no host of the inventory and no address; the hosts are " + names(inventory));
}

Result<std::pair<Endpoint, Endpoint>> resolve_pair(const Inventory& inventory, std::string_view source,
                                                   std::string_view destination) {
    const auto given = family_of(source) ? family_of(source) : family_of(destination);
    auto pair = both(inventory, source, destination, given.value_or(Family::v4));
    if (!pair && !given) {
        // The first error stands where the other family fails too.
        if (auto second = both(inventory, source, destination, Family::v6)) pair = std::move(second);
    }
    if (!pair) return pair;
    const auto& [from, to] = *pair;
    if (from.address.family() != to.address.family())
        return failure("bad-endpoint",
                       quoted(source) + " and " + quoted(destination) + " are of different address families");
    if (from.vantage == Vantage::node && to.vantage == Vantage::node)
        return failure("bad-endpoint",
                       "both ends are nodes: at least one has to be a pod, a pod address, or a "
                       "host with a pod network");
    return pair;
}

}  // namespace podroute
