// By the address dumps.
#include "engine/carrier.h"

#include <algorithm>

namespace podroute {
namespace {

bool carries(const Snapshot& snapshot, const HostId& host, const Address& address) {
    const auto facts = snapshot.hosts.find(host);
    if (facts == snapshot.hosts.end() || !facts->second.known() || !facts->second->addresses.known())
        return false;
    return std::any_of(facts->second->addresses->begin(), facts->second->addresses->end(),
                       [&](const InterfaceAddress& a) { return a.address == address; });
}

}  // namespace

HostId carrier(const Snapshot& snapshot, const ProbedFlow& flow, const Address& address) {
    const bool request = flow.failed_leg() == ProbeLeg::request;
    const HostId& target = request ? flow.destination.host : flow.source.host;
    const HostId& sender = request ? flow.source.host : flow.destination.host;
    for (const HostId* end : {&target, &sender})
        if (carries(snapshot, *end, address)) return *end;
    if (const InventoryHost* owner = snapshot.inventory.owner_of(address)) return owner->name;
    for (const InventoryHost& host : snapshot.inventory.hosts)
        if (carries(snapshot, host.name, address)) return host.name;
    return {};
}

}  // namespace podroute
