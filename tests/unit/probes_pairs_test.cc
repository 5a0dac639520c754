// Which pairs are probed.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <set>

#include "probes/pairs.h"
#include "tests/unit/probes_frames.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;

std::vector<std::string> names(std::size_t n) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back("10.200." + std::to_string(i) + ".0/24");
    return out;
}

TEST(Ring, EachIsSourceAndTargetOfExactlyK) {
    testing::holds([] {
        const auto n = *rc::gen::inRange<std::size_t>(1, 300);
        const auto k = *rc::gen::inRange<std::size_t>(1, 20);
        const auto pairs = ring_pairs(names(n), k);
        std::map<std::size_t, std::size_t> from, to;
        for (const auto& [a, b] : pairs) {
            RC_ASSERT(a != b && a < n && b < n);
            ++from[a];
            ++to[b];
        }
        RC_ASSERT((std::set<std::pair<std::size_t, std::size_t>>(pairs.begin(), pairs.end()).size()) ==
                  pairs.size());
        const std::size_t others = std::min(k, n - 1);
        RC_ASSERT(pairs.size() == n * others);
        for (std::size_t i = 0; i < n; ++i) RC_ASSERT(from[i] == others && to[i] == others);
    });
}

TEST(Ring, TheOrderOfTheInventoryDoesNotMatter) {
    testing::holds([] {
        auto sorted = names(*rc::gen::inRange<std::size_t>(2, 60));
        auto shuffled = sorted;
        for (std::size_t i = shuffled.size() - 1; i > 0; --i)
            std::swap(shuffled[i], shuffled[*rc::gen::inRange<std::size_t>(0, i + 1)]);
        const auto by_name = [](const std::vector<std::string>& list) {
            std::set<std::pair<std::string, std::string>> out;
            for (const auto& [a, b] : ring_pairs(list, 5)) out.emplace(list[a], list[b]);
            return out;
        };
        RC_ASSERT(by_name(sorted) == by_name(shuffled));
    });
}

TEST(Ring, AnotherInventoryIsAnotherRing) {
    auto one = names(150);
    const auto before = ring_pairs(one, 3);
    one.back() = "10.201.0.0/24";
    EXPECT_NE(before, ring_pairs(one, 3));
}

TEST(Ring, DegreeIsTheLogarithmAndOne) {
    EXPECT_EQ(ring_degree(0), 0U);
    EXPECT_EQ(ring_degree(1), 1U);
    EXPECT_EQ(ring_degree(2), 2U);
    EXPECT_EQ(ring_degree(128), 8U);
    EXPECT_EQ(ring_degree(129), 9U);
    EXPECT_EQ(ring_degree(1000), 11U);
}

// From anywhere to anywhere in few steps: so a broken link is seen by some pair.
TEST(Ring, EverythingIsWithinFewSteps) {
    const std::size_t n = 200;
    std::vector<std::vector<std::size_t>> next(n);
    for (const auto& [a, b] : ring_pairs(names(n), ring_degree(n))) next[a].push_back(b);
    std::vector<std::size_t> distance(n, n);
    std::vector<std::size_t> queue{0};
    distance[0] = 0;
    for (std::size_t i = 0; i < queue.size(); ++i)
        for (const auto to : next[queue[i]])
            if (distance[to] == n) {
                distance[to] = distance[queue[i]] + 1;
                queue.push_back(to);
            }
    EXPECT_EQ(queue.size(), n);
    EXPECT_LE(distance[queue.back()], 8U);
}

// As if every host had opened its pods.
Sites opened(const Cluster& cluster) {
    Sites sites = sites_of(cluster.snapshot);
    for (auto& site : sites.pods) {
        site.pod.unknown.clear();
        site.pod.pod = 1;
        site.neighbour = site.pod;
        site.neighbour->pod = 2;
        site.neighbour->endpoint.address = site.pod.endpoint.address.offset(1);
    }
    return sites;
}

std::map<std::string, unsigned> kinds(const std::vector<SitePair>& pairs) {
    std::map<std::string, unsigned> out;
    for (const auto& p : pairs) {
        const auto kind = [](const Site& s) { return s.endpoint.vantage == Vantage::pod ? "pod" : "node"; };
        const bool same = p.source.endpoint.host == p.destination.endpoint.host;
        ++out[std::string(kind(p.source)) + ">" + kind(p.destination) + (same ? " same" : "")];
        EXPECT_EQ(p.source.endpoint.address.family(), p.destination.endpoint.address.family());
    }
    return out;
}

TEST(Pairs, AllThatMayRaiseAnAlarm) {
    const Cluster cluster({.nodes = 4, .ipv6 = true});
    using Kinds = std::map<std::string, unsigned>;
    EXPECT_EQ(kinds(verdict_pairs(opened(cluster), {})),
              (Kinds{{"pod>pod", 24}, {"pod>pod same", 8}, {"node>pod", 8}, {"pod>node", 8}}));
}

std::vector<SitePair> pair_of(const Sites& sites, const Endpoint& source, const Endpoint& destination) {
    Policy policy;
    policy.pair = std::pair(source, destination);
    return verdict_pairs(sites, policy);
}

TEST(Pairs, OfOneNodeAreAPodAndItsNeighbour) {
    auto sites = opened(Cluster(2));
    const Endpoint pod{"node-0", Vantage::pod, address("10.200.0.9")};
    const auto pairs = pair_of(sites, pod, {"node-0", Vantage::pod, address("10.200.0.77")});
    ASSERT_EQ(pairs.size(), 1U);
    EXPECT_EQ(pairs[0].source, sites.pods[0].pod);
    EXPECT_EQ(pairs[0].destination, *sites.pods[0].neighbour);
    // Without a second pod nothing is sent, and that is said.
    sites.pods[0].neighbour.reset();
    const auto alone = pair_of(sites, pod, pod);
    ASSERT_EQ(alone.size(), 1U);
    EXPECT_EQ(alone[0].destination.unknown, "node-0: no second pod could be opened in 10.200.0.0/24");
    // A pod and its own node are two ends.
    EXPECT_EQ(pair_of(sites, pod, {"node-0", Vantage::node, address("10.240.0.20")}).size(), 2U);
}

TEST(Pairs, AnAddressIsOfTheNetworkThatHoldsIt) {
    Cluster cluster(2);
    auto& host = cluster.snapshot.inventory.hosts[1];
    ASSERT_EQ(host.name, "node-0");
    host.pod_cidrs.push_back(*Prefix::parse("10.201.0.0/24"));
    const auto sites = opened(cluster);
    const auto pairs = pair_of(sites, {"node-0", Vantage::pod, address("10.201.0.9")},
                               {"node-1", Vantage::pod, address("10.200.1.9")});
    ASSERT_EQ(pairs.size(), 2U);
    EXPECT_TRUE(Prefix::parse("10.201.0.0/24")->contains(pairs[0].source.endpoint.address));
}

TEST(Pairs, LargeClustersGetARingUnlessFullIsAsked) {
    const Cluster cluster({.nodes = 130});
    const auto sites = opened(cluster);
    Policy policy;
    EXPECT_EQ(kinds(verdict_pairs(sites, policy))["pod>pod"], 130U * ring_degree(130));
    policy.pairs_per_cidr = kPairsFull;
    EXPECT_EQ(kinds(verdict_pairs(sites, policy))["pod>pod"], 130U * 129U);
    policy.pairs_per_cidr = 4;
    EXPECT_EQ(kinds(verdict_pairs(sites, policy))["pod>pod"], 130U * 4U);
    EXPECT_EQ(kinds(verdict_pairs(sites, policy))["node>pod"], 130U);
}

TEST(Pairs, EvidenceIsOfFailedPairsOnlyAndEachOnce) {
    const Cluster cluster(3);
    const auto sites = opened(cluster);
    const auto& pods = sites.pods;
    const std::vector<SitePair> failed{{pods[0].pod, pods[1].pod}, {pods[0].pod, pods[2].pod}};
    std::set<std::string> found;
    for (const auto& p : evidence_pairs(sites, failed))
        EXPECT_TRUE(
            found.insert(to_string(p.source.endpoint) + " > " + to_string(p.destination.endpoint)).second);
    EXPECT_EQ(found, (std::set<std::string>{"pod node-0 > node node-1", "pod node-0 > node node-2",
                                            "node node-0 > pod node-1", "node node-0 > pod node-2",
                                            "node node-0 > node node-1", "node node-0 > node node-2"}));
    EXPECT_TRUE(evidence_pairs(sites, {}).empty());
}

TEST(Pairs, EvidenceOfAControlHostsPair) {
    const Cluster cluster(2);
    const auto sites = opened(cluster);
    const std::vector<SitePair> failed{{sites.control.at(0), sites.pods[0].pod}};
    const auto found = evidence_pairs(sites, failed);
    ASSERT_EQ(found.size(), 1U);  // node to pod is the pair itself
    EXPECT_EQ(to_string(found[0].destination.endpoint), "node node-0");
}

}  // namespace
}  // namespace podroute
