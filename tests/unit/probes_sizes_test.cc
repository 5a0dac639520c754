// Packets of full size, and those that follow a lost one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "probes/detail_round.h"
#include "tests/unit/probes_trial.h"

namespace podroute {
namespace {

using namespace testing;

TEST(PacketProber, ALostFullSizePacketIsFollowedByOthers) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool) {
        return Fate{.lost = is(p, "node-1", testing::kEth0, false) && ip.size() > 1450,
                    .sent_back = {},
                    .new_source = {}};
    }};
    const auto& snapshot = run.observe();
    // Small ones, too: it may have been lost by chance.
    EXPECT_EQ(total(snapshot, "pod node-0 > pod node-1 icmp").answered, 20U);
    std::uint32_t passes = 0;
    std::set<std::uint32_t> tried;
    for (const auto* r : results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 icmp")) {
        tried.insert(r->size);
        if (r->arrived == r->sent) passes = std::max(passes, r->size);
    }
    EXPECT_EQ(passes, 1450U);
    EXPECT_TRUE(tried.contains(1500));
}

TEST(PacketProber, AFullSizePacketThatOneLostIsCountedOutOfTwenty) {
    Trial run;
    unsigned seen = 0;
    run.world.faults = {[&](const Place& p, const Bytes& ip, bool reply) {
        const bool at = is(p, "node-1", testing::kEth0, false) && ip.size() > 1450 && !reply &&
                        goes(ip, "10.200.0.0/24", "10.200.1.0/24");
        return Fate{.lost = at && seen++ == 0, .sent_back = {}, .new_source = {}};
    }};
    std::uint32_t sent = 0, arrived = 0;
    for (const auto* r : results(run.observe(), Purpose::full_size, "pod node-0 > pod node-1 icmp")) {
        if (r->size != 1500) continue;
        sent += r->sent;
        arrived += r->arrived;
    }
    EXPECT_EQ(sent, kLossSample);
    EXPECT_EQ(arrived, kLossSample - 1);
}

// Every echo is filtered: large packets are sent as SYNs, whose arrival is what counts.
TEST(PacketProber, WhereEchoIsFilteredLargePacketsAreTcp) {
    for (const bool small_mtu : {false, true}) {
        for (const bool ipv6 : {false, true}) {
            Trial run(testing::ClusterOptions{.ipv6 = ipv6});
            run.world.faults = {[&](const Place& p, const Bytes& ip, bool) {
                const bool echo = testing::next_header(ip) == 1 || testing::next_header(ip) == 58;
                return Fate{.lost = is(p, "node-1", testing::kEth0, false) &&
                                    (echo || (small_mtu && ip.size() > 1400)),
                            .sent_back = {},
                            .new_source = {}};
            }};
            const auto& snapshot = run.observe();
            std::map<std::uint32_t, bool> passes;
            for (const auto* r : results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 tcp"))
                passes[r->size] = r->arrived == r->sent && r->sent > 0;
            ASSERT_TRUE(passes.contains(1500) && passes.contains(1400) && passes.contains(576));
            EXPECT_EQ(passes[1500], !small_mtu);
            EXPECT_TRUE(passes[1400] && passes[576]);
            EXPECT_FALSE(results(snapshot, Purpose::full_size, "pod node-1 > pod node-0 tcp").empty());
        }
    }
}

TEST(PacketProber, TheMtuThatARouterNamesIsTried) {
    Trial run;
    run.world.faults = {[](const Place& p, const Bytes& ip, bool) {
        Fate fate;
        if (is(p, "node-0", testing::kEth0, true) && ip.size() > 1437)
            fate.sent_back = testing::error_about(ip, address("10.240.0.20"), 3, 4, 1437, 64);
        return fate;
    }};
    const auto& snapshot = run.observe();
    bool named = false, passed = false;
    for (const auto* r : results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 icmp")) {
        for (const auto& o : r->objections) named |= o.mtu == 1437;
        passed |= r->size == 1437 && r->answered == r->sent;
    }
    EXPECT_TRUE(named && passed);
}

TEST(PacketProber, FullSizeIsThatOfTheSourcesPodLink) {
    Trial run;
    run.world.pod_mtu["node-0"] = 9000;
    const auto& snapshot = run.observe();
    EXPECT_EQ(results(snapshot, Purpose::full_size, "pod node-0 > pod node-1 icmp").front()->size, 9000U);
    EXPECT_EQ(results(snapshot, Purpose::full_size, "pod node-1 > pod node-0 icmp").front()->size, 1500U);
}

// A host with two cards reaches one node by each.
TEST(PacketProber, FullSizeOfANodeIsThatOfTheLinkItsRouteLeavesBy) {
    Trial run;
    run.cluster.add_link("server", 7, "eth1", "");
    HostFacts& server = run.cluster.facts("server");
    server.links->back().mtu = 1400;
    FibAnswer answer;
    answer.query.destination = address("10.200.1.1");
    answer.next_hops = {{address("10.240.0.21"), 7, 0, 1}};
    server.fib->push_back(answer);
    const auto& snapshot = run.observe();
    EXPECT_EQ(results(snapshot, Purpose::full_size, "node server > pod node-1 icmp").front()->size, 1400U);
    EXPECT_EQ(results(snapshot, Purpose::full_size, "node server > pod node-0 icmp").front()->size, 1500U);
}

TEST(PacketProber, LargePacketsGoBothWaysAlsoWhereAPairIsProbedOneWay) {
    Trial run({.nodes = 6});
    run.cluster.snapshot.policy.pairs_per_cidr = 2;
    const auto& snapshot = run.observe();
    std::set<std::pair<Endpoint, Endpoint>> small, large;
    for (const auto* r : results(snapshot, Purpose::verdict))
        if (r->source.host != r->destination.host) small.emplace(r->source, r->destination);
    for (const auto* r : results(snapshot, Purpose::full_size)) {
        EXPECT_EQ(r->arrived, 1U) << name(*r);
        EXPECT_TRUE(large.emplace(r->source, r->destination).second) << name(*r);
    }
    for (const auto& [from, to] : small)
        EXPECT_TRUE(large.contains({from, to}) && large.contains({to, from}));
    EXPECT_GT(large.size(), small.size());
}

}  // namespace
}  // namespace podroute
