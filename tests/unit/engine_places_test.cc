// Links that packets pass: what was listened on is what a way is drawn from.
#include <gtest/gtest.h>

#include "engine/places.h"
#include "model/host_links.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;
using testing::kCnio0;
using testing::prefix;

// node-0 has a bridge for each family, and only one of them has the name that a CNI gives.
Cluster with_a_bridge_for_each_family() {
    Cluster cluster({.nodes = 2, .ipv6 = true});
    cluster.add_link("node-0", 7, "br6", "bridge");
    for (InterfaceAddress& a : *cluster.facts("node-0").addresses)
        if (a.ifindex == kCnio0 && !a.address.is_v4()) a.ifindex = 7;
    return cluster;
}

TEST(HostLinks, ABridgeIsThatWhichCarriesTheNetwork) {
    Cluster cluster = with_a_bridge_for_each_family();
    const HostFacts& facts = cluster.facts("node-0");
    EXPECT_EQ(bridge_of(facts, prefix("10.200.0.0/24"))->name, "cnio0");
    EXPECT_EQ(bridge_of(facts, prefix("fd00:10:200::/64"))->name, "br6");
    EXPECT_EQ(bridge_of(facts, prefix("10.200.1.0/24")), nullptr);
}

TEST(Places, ABridgeIsThatWhichCarriesTheNetwork) {
    Cluster cluster = with_a_bridge_for_each_family();
    ProbeResult result;
    result.source = {"node-0", Vantage::pod, address("fd00:10:200::200")};
    result.destination = {"node-1", Vantage::pod, address("fd00:10:200:1::200")};
    result.sent = 3;
    for (const char* interface : {"eth0", "br6", "pod link"})
        result.sightings.push_back(
            {"node-0", interface, ProbeLeg::request, std::string(interface) != "br6", 3});
    cluster.snapshot.rounds.emplace_back().probes.push_back(result);
    const ProbeFacts facts = fold_probes(cluster.snapshot);
    std::vector<std::pair<std::string, Stage>> seen;
    for (const Seen& one : Places(cluster.snapshot).seen(facts.verdicts.at(0), ProbeLeg::request))
        seen.emplace_back(one.interface, one.stage);
    EXPECT_EQ(seen, (std::vector<std::pair<std::string, Stage>>{{"pod link", Stage::sender_link},
                                                                {"br6", Stage::sender_bridge},
                                                                {"eth0", Stage::sender_uplink}}));
}

}  // namespace
}  // namespace podroute
