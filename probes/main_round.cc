// Pairs times protocols.
#include "probes/main_round.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "model/endpoint_hash.h"
#include "probes/next_hops.h"

namespace podroute {
namespace {

constexpr std::uint32_t kSpacing = 1'000;  // us, between the probes of a pair

// One packet, as long as the link of its source lets through.
void add_full_size(RoundBuilder& builder, const Snapshot& snapshot, const SitePair& pair,
                   std::uint32_t start_us) {
    if (pair.source.endpoint.host == pair.destination.endpoint.host) return;
    const std::uint32_t mtu = mtu_towards(snapshot, pair.source, pair.destination.endpoint);
    if (pair.source.usable() && mtu <= kSmallProbe) return;
    FlowRequest request;
    request.purpose = Purpose::full_size;
    request.size = std::min(mtu, kMaxProbeSize);
    request.start_us = start_us;
    builder.add(pair, request);
}

// Of every pair both ways, also where a ring has it one way only: an answer may come back in fragments.
void add_full_sizes(RoundBuilder& builder, const Snapshot& snapshot, std::span<const SitePair> pairs,
                    std::uint32_t start_us) {
    std::unordered_set<std::pair<Endpoint, Endpoint>, EndpointHash> there;
    for (const SitePair& pair : pairs) there.emplace(pair.source.endpoint, pair.destination.endpoint);
    for (const SitePair& pair : pairs) {
        add_full_size(builder, snapshot, pair, start_us);
        if (!there.contains({pair.destination.endpoint, pair.source.endpoint}))
            add_full_size(builder, snapshot, {pair.destination, pair.source}, start_us);
    }
}

const Site* pod_at(const Sites& sites, const HostId& host, const Address& address) {
    for (const PodSite& site : sites.pods)
        if (site.pod.endpoint.host == host && site.pod.endpoint.address == address) return &site.pod;
    return nullptr;
}

// Every leg of every route with several next hops. Nobody need be at the target: the leg works when its
// packet reaches the owner's uplink.
void add_next_hops(RoundBuilder& builder, const Snapshot& snapshot, const Sites& sites) {
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const auto facts = snapshot.hosts.find(host.name);
        const HostFindings* findings = pods_of(snapshot, host.name);
        if (facts == snapshot.hosts.end() || !facts->second.known() || findings == nullptr) continue;
        for (const LegTarget& leg : leg_targets(snapshot, host, *facts->second, *findings)) {
            const Site* source = pod_at(sites, host.name, leg.source);
            if (source == nullptr) continue;
            Site target;
            target.endpoint = {leg.owner, Vantage::pod, leg.target.value_or(leg.cidr.sample_pod())};
            target.unknown = leg.unknown;
            FlowRequest request;
            request.purpose = Purpose::next_hop;
            request.next_hop = leg.gateway;
            request.count = 3;
            request.spacing_us = kSpacing;
            builder.add({*source, target}, request);
            builder.watch(leg.owner, false);
        }
    }
}

}  // namespace

std::vector<Protocol> probed_protocols(const Policy& policy) {
    std::vector<Protocol> out;
    const auto& layers = policy.layers;
    // A layer that is asked for by name brings the protocol it needs.
    const auto wanted = [&](Protocol protocol, Layer layer) {
        return layers.empty() ? policy.protocols.contains(protocol) : layers.contains(layer);
    };
    if (wanted(Protocol::icmp, Layer::icmp) || layers.contains(Layer::mtu) || layers.contains(Layer::path))
        out.push_back(Protocol::icmp);
    if (wanted(Protocol::tcp, Layer::tcp)) out.push_back(Protocol::tcp);
    if (wanted(Protocol::udp, Layer::udp)) out.push_back(Protocol::udp);
    return out;
}

bool probes_sizes(const Policy& policy) {
    return policy.layers.empty() ? policy.protocols.contains(Protocol::icmp)
                                 : policy.layers.contains(Layer::mtu);
}

void add_hop_limits(RoundBuilder& builder, std::span<const SitePair> pairs, Protocol protocol,
                    std::uint32_t spacing_us) {
    std::unordered_map<Endpoint, std::size_t, EndpointHash> from, to;
    for (const SitePair& pair : pairs) {
        auto &sent = from[pair.source.endpoint], &received = to[pair.destination.endpoint];
        if (pair.source.endpoint.host == pair.destination.endpoint.host) continue;
        if (!pair.source.usable() || !pair.destination.usable()) continue;
        if (sent >= kMaxTraced || received >= kMaxTraced) continue;
        ++sent;
        ++received;
        for (std::uint8_t hops = 1; hops <= kMaxHops; ++hops) {
            FlowRequest request;
            request.protocol = protocol;
            request.purpose = Purpose::hop_limit;
            request.hop_limit = hops;
            request.start_us = (hops - 1U) * spacing_us;
            builder.add(pair, request);
        }
    }
}

RoundPlan plan_main_round(const Snapshot& snapshot) {
    const Policy& policy = snapshot.policy;
    const Sites sites = sites_of(snapshot);
    const auto pairs = verdict_pairs(sites, policy);
    RoundBuilder builder(snapshot, RoundStage::main);
    const auto protocols = probed_protocols(policy);
    const auto count = std::clamp<std::uint32_t>(policy.count, 1, kMaxCount);
    const std::uint32_t half_us = policy.timeout_ms * 500,
                        spacing = std::min(kSpacing, half_us / (count + 1));
    for (const SitePair& pair : pairs) {
        for (const Protocol protocol : protocols) {
            FlowRequest request;
            request.protocol = protocol;
            request.count = static_cast<std::uint16_t>(count);
            request.spacing_us = spacing;
            builder.add(pair, request);
        }
    }
    // Between the small ones: the round is as long as its last frame is late.
    if (probes_sizes(policy)) add_full_sizes(builder, snapshot, pairs, spacing / 2);
    if (policy.layers.empty() || policy.layers.contains(Layer::path)) add_next_hops(builder, snapshot, sites);
    if (policy.trace == Trace::all) {
        builder.watch_paths();
        add_hop_limits(builder, pairs, protocols.front(), std::min(kHopSpacing, half_us / kMaxHops));
    }
    return builder.finish_within(policy.timeout_ms);
}

}  // namespace podroute
