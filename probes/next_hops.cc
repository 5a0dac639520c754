// Candidates, and what the kernel said of them.
#include "probes/next_hops.h"

#include <algorithm>
#include <map>

#include "probes/seeded.h"

namespace podroute {
namespace {

constexpr std::size_t kCandidatesPerLeg = 16;  // one of two legs is missed by all with chance 2^-32
constexpr std::size_t kMaxQueries = 2'048;     // of one host
constexpr std::uint8_t kIcmp = 1, kIcmpv6 = 58;

struct Fork {
    Prefix cidr;
    HostId owner;
    std::vector<Address> gateways;
    bool tried = false;  // within the bound
};

// Pod networks of peers that the host reaches by two next hops or more.
std::vector<Fork> forks_of(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts) {
    std::vector<Fork> out;
    if (!facts.fib.known()) return out;
    for (const FibAnswer& answer : *facts.fib) {
        if (answer.error != 0 || answer.next_hops.size() < 2 || answer.query.iif.empty()) continue;
        for (const InventoryHost& owner : snapshot.inventory.hosts)
            for (const Prefix& cidr : owner.pod_cidrs) {
                if (owner.name == host.name || !cidr.contains(answer.query.destination)) continue;
                Fork fork;
                fork.cidr = cidr;
                fork.owner = owner.name;
                for (const NextHop& hop : answer.next_hops)
                    if (hop.gateway) fork.gateways.push_back(*hop.gateway);
                const bool known =
                    std::any_of(out.begin(), out.end(), [&](const Fork& f) { return f.cidr == cidr; });
                if (fork.gateways.size() > 1 && !known) out.push_back(std::move(fork));
            }
    }
    std::size_t legs = 0;
    for (Fork& fork : out) {
        fork.tried = legs + fork.gateways.size() <= kMaxLegsOfHost;
        if (fork.tried) legs += fork.gateways.size();
    }
    return out;
}

// Where there are many, fewer candidates each.
std::size_t candidates_per_leg(const std::vector<Fork>& forks) {
    std::size_t legs = 0;
    for (const Fork& fork : forks) legs += fork.tried ? fork.gateways.size() : 0;
    return std::min(kCandidatesPerLeg, kMaxQueries / std::max<std::size_t>(legs, 1));
}

// The pod that legs of a family are tried from: the first, if it was opened.
std::optional<Address> source_of(const HostFindings& findings, Family family) {
    for (const PodSpec& spec : findings.asked)
        for (const Address& address : spec.addresses)
            if (address.family() == family &&
                std::any_of(findings.pods.begin(), findings.pods.end(),
                            [&](const Endpoint& pod) { return pod.address == address; }))
                return address;
    return std::nullopt;
}

Address candidate(const Prefix& cidr, Seeded& random) {
    const unsigned host_bits = std::min(cidr.network().bits() - cidr.length(), 31U);
    const auto first = cidr.first_usable();
    const auto room = (std::uint64_t{1} << host_bits) - 1;
    const Address address =
        first.offset(static_cast<std::int64_t>(random.below(std::max<std::uint64_t>(room, 1))));
    return address <= cidr.last_usable() ? address : first;
}

}  // namespace

std::vector<FibQuery> leg_queries(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                                  const std::vector<PodSpec>& pods) {
    std::vector<FibQuery> out;
    const auto forks = forks_of(snapshot, host, facts);
    const std::size_t candidates = candidates_per_leg(forks);
    for (const Fork& fork : forks) {
        if (!fork.tried) continue;
        const auto pod = std::find_if(pods.begin(), pods.end(), [&](const PodSpec& p) {
            return std::any_of(p.addresses.begin(), p.addresses.end(),
                               [&](const Address& a) { return a.family() == fork.cidr.family(); });
        });
        if (pod == pods.end()) continue;
        FibQuery query;
        for (const Address& a : pod->addresses)
            if (a.family() == fork.cidr.family()) query.source = a;
        query.iif = pod->bridge.empty() ? pod->link : pod->bridge;
        query.ip_proto = fork.cidr.family() == Family::v4 ? kIcmp : kIcmpv6;
        query.chosen = true;
        Seeded random(hash_of(fork.cidr.to_string(), hash_of(host.name, seed_of(snapshot.run))));
        for (std::size_t i = 0; i < fork.gateways.size() * candidates; ++i) {
            query.destination = candidate(fork.cidr, random);
            out.push_back(query);
        }
    }
    return out;
}

std::vector<LegTarget> leg_targets(const Snapshot& snapshot, const InventoryHost& host,
                                   const HostFacts& facts, const HostFindings& findings) {
    std::vector<LegTarget> out;
    for (const Fork& fork : forks_of(snapshot, host, facts)) {
        const auto source = source_of(findings, fork.cidr.family());
        if (!source) continue;
        std::map<Address, Address> by_gateway;
        for (const FibAnswer& answer : findings.lookups)
            if (answer.query.chosen && fork.cidr.contains(answer.query.destination) && answer.error == 0 &&
                answer.next_hops.size() == 1 && answer.next_hops[0].gateway)
                by_gateway.emplace(*answer.next_hops[0].gateway, answer.query.destination);
        for (const Address& gateway : fork.gateways) {
            LegTarget leg{fork.cidr, fork.owner, gateway, std::nullopt, "", *source};
            if (const auto at = by_gateway.find(gateway); at != by_gateway.end())
                leg.target = at->second;
            else if (fork.tried)
                leg.unknown = "no address of " + fork.cidr.to_string() + " was found that " + host.name +
                              " sends by way of " + gateway.to_string();
            else
                leg.unknown = host.name + " has more next hops than the " + std::to_string(kMaxLegsOfHost) +
                              " that are tried";
            out.push_back(std::move(leg));
        }
    }
    return out;
}

}  // namespace podroute
