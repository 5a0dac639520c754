// The pairs that may raise an alarm (faults.md, "What may raise an alarm").
#include "engine/walk.h"

namespace podroute {
namespace {

std::vector<Endpoint> pods_of(const InventoryHost& host) {
    std::vector<Endpoint> pods;
    for (const Prefix& cidr : host.pod_cidrs) pods.push_back({host.name, Vantage::pod, cidr.sample_pod()});
    return pods;
}

// What of `host` takes part: its pods, or of a control host the node itself.
std::vector<Endpoint> endpoints_of(const InventoryHost& host) {
    std::vector<Endpoint> endpoints = pods_of(host);
    if (!endpoints.empty()) return endpoints;
    for (const Address& address : host.addresses) endpoints.push_back({host.name, Vantage::node, address});
    return endpoints;
}

bool bears_a_verdict(const Endpoint& source, const Endpoint& destination) {
    const bool some_pod = source.vantage == Vantage::pod || destination.vantage == Vantage::pod;
    return some_pod && source.address.family() == destination.address.family();
}

}  // namespace

std::vector<Flow> verdict_flows(const Inventory& inventory) {
    std::vector<std::vector<Endpoint>> endpoints;
    for (const InventoryHost& host : inventory.hosts) endpoints.push_back(endpoints_of(host));
    std::vector<Flow> flows;
    for (std::size_t i = 0; i < endpoints.size(); ++i)
        for (std::size_t j = 0; j < endpoints.size(); ++j)
            for (const Endpoint& source : endpoints[i])
                for (const Endpoint& destination : endpoints[j])
                    if (i != j && bears_a_verdict(source, destination))
                        flows.push_back({source, destination, 0, 0});
    return flows;
}

}  // namespace podroute
