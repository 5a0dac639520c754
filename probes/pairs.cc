// Full mesh, ring, and evidence.
#include "probes/pairs.h"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_set>

#include "model/endpoint_hash.h"
#include "probes/seeded.h"

namespace podroute {
namespace {

// 1, 2, 4 .. along the ring, then one back, then whatever is left: k different steps.
std::vector<std::size_t> steps(std::size_t n, std::size_t k) {
    std::vector<std::size_t> out;
    std::vector<bool> used(n, false);
    const auto take = [&](std::size_t step) {
        if (step == 0 || step >= n || used[step] || out.size() >= k) return;
        used[step] = true;
        out.push_back(step);
    };
    for (std::size_t step = 1; step < n; step *= 2) take(step);
    take(n - 1);
    for (std::size_t step = 1; step < n; ++step) take(step);
    return out;
}

std::vector<const PodSite*> of_family(const Sites& sites, Family family) {
    std::vector<const PodSite*> out;
    for (const PodSite& site : sites.pods)
        if (site.cidr.family() == family) out.push_back(&site);
    return out;
}

void add_across(const std::vector<const PodSite*>& pods, const Policy& policy, std::vector<SitePair>& out) {
    const bool full = policy.pairs_per_cidr == kPairsFull ||
                      (policy.pairs_per_cidr == kPairsAuto && pods.size() <= kFullPairsUpTo);
    std::vector<std::string> names;
    names.reserve(pods.size());
    for (const PodSite* site : pods) names.push_back(site->cidr.to_string() + " " + site->pod.endpoint.host);
    std::size_t degree = pods.size();
    if (!full)
        degree = policy.pairs_per_cidr == kPairsAuto ? ring_degree(pods.size()) : policy.pairs_per_cidr;
    for (const auto& [from, to] : ring_pairs(names, degree)) out.push_back({pods[from]->pod, pods[to]->pod});
}

void add_within(const std::vector<const PodSite*>& pods, std::vector<SitePair>& out) {
    for (const PodSite* site : pods)
        if (site->neighbour) out.push_back({site->pod, *site->neighbour});
}

void add_control(const Sites& sites, const std::vector<const PodSite*>& pods, Family family,
                 std::vector<SitePair>& out) {
    for (const Site& control : sites.control) {
        if (control.endpoint.address.family() != family) continue;
        for (const PodSite* site : pods) {
            out.push_back({control, site->pod});
            out.push_back({site->pod, control});
        }
    }
}

// The pod network that a named pod is of. A pod is named before its address is known: by one of its network.
const PodSite* pods_named(const Sites& sites, const Endpoint& endpoint) {
    if (endpoint.vantage != Vantage::pod) return nullptr;
    for (const PodSite& site : sites.pods)
        if (site.pod.endpoint.host == endpoint.host && site.cidr.contains(endpoint.address)) return &site;
    return nullptr;
}

const Site* node_named(const Sites& sites, const Endpoint& endpoint) {
    for (const auto* nodes : {&sites.control, &sites.nodes})
        for (const Site& site : *nodes)
            if (site.endpoint.host == endpoint.host &&
                site.endpoint.address.family() == endpoint.address.family())
                return &site;
    return nullptr;
}

const Site* named(const Sites& sites, const Endpoint& endpoint) {
    if (endpoint.vantage == Vantage::node) return node_named(sites, endpoint);
    const PodSite* pods = pods_named(sites, endpoint);
    return pods == nullptr ? nullptr : &pods->pod;
}

// The second pod of a network; where there is none, a site that says so.
Site second_pod(const PodSite& pods) {
    if (pods.neighbour) return *pods.neighbour;
    Site site = pods.pod;
    if (site.usable())
        site.unknown = site.endpoint.host + ": no second pod could be opened in " + pods.cidr.to_string();
    return site;
}

std::vector<SitePair> named_pair(const Sites& sites, const std::pair<Endpoint, Endpoint>& pair) {
    const PodSite *first_pods = pods_named(sites, pair.first), *second_pods = pods_named(sites, pair.second);
    if (first_pods != nullptr && first_pods == second_pods)
        return {{first_pods->pod, second_pod(*first_pods)}};
    const Site *first = named(sites, pair.first), *second = named(sites, pair.second);
    if (first == nullptr || second == nullptr) return {};
    return {{*first, *second}, {*second, *first}};
}

// Nodes by host and family.
using Nodes = std::map<std::pair<HostId, Family>, const Site*>;

Nodes nodes_by_host(const Sites& sites) {
    Nodes out;
    for (const auto* nodes : {&sites.control, &sites.nodes})
        for (const Site& site : *nodes)
            out.emplace(std::pair(site.endpoint.host, site.endpoint.address.family()), &site);
    return out;
}

}  // namespace

std::size_t ring_degree(std::size_t n) {
    return n < 2 ? n : static_cast<std::size_t>(std::bit_width(n - 1)) + 1;
}

std::vector<std::pair<std::size_t, std::size_t>> ring_pairs(std::span<const std::string> names,
                                                            std::size_t k) {
    // Where a name stands depends on all of them: a ring of another inventory is another ring.
    std::vector<std::string> sorted(names.begin(), names.end());
    std::sort(sorted.begin(), sorted.end());
    std::uint64_t seed = hash_of("ring");
    for (const std::string& name : sorted) seed = hash_of(name, seed);
    std::vector<std::pair<std::uint64_t, std::size_t>> ring;
    for (std::size_t i = 0; i < names.size(); ++i)
        ring.emplace_back(Seeded(hash_of(names[i], seed)).next(), i);
    std::sort(ring.begin(), ring.end(), [&](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : names[a.second] < names[b.second];
    });
    std::vector<std::pair<std::size_t, std::size_t>> out;
    for (const std::size_t step : steps(ring.size(), k))
        for (std::size_t at = 0; at < ring.size(); ++at)
            out.emplace_back(ring[at].second, ring[(at + step) % ring.size()].second);
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<SitePair> verdict_pairs(const Sites& sites, const Policy& policy) {
    if (policy.pair) return named_pair(sites, *policy.pair);
    std::vector<SitePair> out;
    for (const Family family : {Family::v4, Family::v6}) {
        const auto pods = of_family(sites, family);
        add_across(pods, policy, out);
        add_within(pods, out);
        add_control(sites, pods, family, out);
    }
    if (!policy.only.empty())
        std::erase_if(out, [&](const SitePair& pair) {
            return !policy.only.contains(pair.source.endpoint.host) &&
                   !policy.only.contains(pair.destination.endpoint.host);
        });
    return out;
}

std::vector<SitePair> evidence_pairs(const Sites& sites, std::span<const SitePair> failed) {
    const Nodes nodes = nodes_by_host(sites);
    std::unordered_set<std::pair<Endpoint, Endpoint>, EndpointHash> seen;
    std::vector<SitePair> out;
    const auto add = [&](const Site& source, const Site& destination) {
        if (!source.usable() || !destination.usable()) return;
        if (seen.emplace(source.endpoint, destination.endpoint).second) out.push_back({source, destination});
    };
    for (const SitePair& pair : failed) seen.emplace(pair.source.endpoint, pair.destination.endpoint);
    for (const SitePair& pair : failed) {
        const auto &from = pair.source.endpoint, &to = pair.destination.endpoint;
        if (from.host == to.host) continue;
        const auto source = nodes.find({from.host, from.address.family()});
        const auto destination = nodes.find({to.host, to.address.family()});
        if (source == nodes.end() || destination == nodes.end()) continue;
        if (to.vantage == Vantage::pod) add(pair.source, *destination->second);
        if (from.vantage == Vantage::pod) add(*source->second, pair.destination);
        add(*source->second, *destination->second);
    }
    return out;
}

}  // namespace podroute
