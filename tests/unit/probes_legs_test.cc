// Routes with several next hops: every leg is tried.
#include <gtest/gtest.h>

#include <map>

#include "model/host_links.h"
#include "probes/detail_round.h"
#include "probes/next_hops.h"
#include "tests/unit/probes_trial.h"

namespace podroute {
namespace {

using namespace testing;

// node-0 reaches node-1's network by node-1, the odd addresses, and by node-2.
struct TwoLegs : Trial {
    TwoLegs() : Trial({.nodes = 3}) {
        FibAnswer two;
        two.query = {address("10.200.1.1"), address("10.200.0.2"), "cnio0"};
        two.type = RouteType::unicast;
        two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                         {address("10.240.0.22"), testing::kEth0, 0, 1}};
        cluster.facts("node-0").fib->push_back(two);
        world.lookups = [](const HostId&, const std::vector<FibQuery>& queries) {
            std::vector<FibAnswer> out;
            for (const auto& q : queries) {
                EXPECT_TRUE(q.chosen && q.iif == "cnio0" && q.source && q.ip_proto == 1);
                FibAnswer a;
                a.query = q;
                a.next_hops = {
                    {address(odd(q.destination) ? "10.240.0.21" : "10.240.0.22"), testing::kEth0, 0, 1}};
                out.push_back(a);
            }
            return out;
        };
    }
    static bool odd(const Address& a) { return (a.v4_value() & 1U) != 0; }
    // An echo by the leg that is not node-1's own, as it leaves node-0.
    static bool by_the_other(const Place& p, const Bytes& ip) {
        return is(p, "node-0", testing::kEth0, true) && goes(ip, "10.200.0.0/24", "10.200.1.0/24") &&
               !odd(testing::destination_of(ip)) && ip.size() == 84 && testing::next_header(ip) == 1;
    }
};

TEST(PacketProber, ADeadLegOfSeveralNextHopsIsSeen) {
    TwoLegs run;
    run.world.faults = {[&](const Place& p, const Bytes& ip, bool) {
        return Fate{.lost = TwoLegs::by_the_other(p, ip), .sent_back = {}, .new_source = {}};
    }};
    const auto& snapshot = run.observe();
    std::map<std::string, bool> works;
    for (const auto* r : results(snapshot, Purpose::next_hop))
        works[r->next_hop->to_string()] = sighted(*r, "node-1", "eth0", false);
    EXPECT_EQ(works, (std::map<std::string, bool>{{"10.240.0.21", true}, {"10.240.0.22", false}}));
    // The dead one was tried again, and seen where it was lost.
    const auto legs = results(snapshot, Purpose::next_hop);
    const auto& again = *legs.back();
    EXPECT_EQ(snapshot.rounds.back().stage, RoundStage::detail);
    EXPECT_EQ(legs.size(), 3U);
    EXPECT_EQ(again.next_hop, address("10.240.0.22"));
    EXPECT_EQ(again.sent, kLossSample - 3);
    EXPECT_TRUE(sighted(again, "node-0", "cnio0", false));
    EXPECT_FALSE(sighted(again, "node-0", "eth0", true));
}

// Whether that is chance shows in the rest of the sample, with captures elsewhere or without.
TEST(PacketProber, ALegThatLosesOnePacketIsCountedOutOfTwenty) {
    for (const Trace trace : {Trace::failed, Trace::none}) {
        TwoLegs run;
        run.cluster.snapshot.policy.trace = trace;
        unsigned seen = 0;
        run.world.faults = {[&](const Place& p, const Bytes& ip, bool) {
            // The pair itself may go this way; its packets are not those that nobody answers.
            const bool leg = TwoLegs::by_the_other(p, ip) &&
                             testing::destination_of(ip) !=
                                 run.world.plans.front().tasks.at("node-1").pods.at(0).addresses.at(0);
            return Fate{.lost = leg && seen++ == 0, .sent_back = {}, .new_source = {}};
        }};
        const auto& snapshot = run.observe();
        std::uint32_t sent = 0, entered = 0;
        for (const auto* r : results(snapshot, Purpose::next_hop)) {
            if (r->next_hop != address("10.240.0.22")) continue;
            sent += r->sent;
            for (const auto& s : r->sightings)
                if (s.host == "node-1" && s.interface == "eth0" && !s.leaving) entered += s.count;
        }
        EXPECT_EQ(sent, kLossSample);
        EXPECT_EQ(entered, kLossSample - 1);
        // The owner waits for the one that is missing: in a slow network it would come yet.
        EXPECT_FALSE(run.world.completed[RoundStage::main]);
        EXPECT_TRUE(run.world.completed[RoundStage::detail]);
    }
}

TEST(PacketProber, HealthyLegsEndTheRoundWhenTheyHaveComeIn) {
    TwoLegs run;
    const auto& snapshot = run.observe();
    EXPECT_EQ(stages(snapshot), (Stages{RoundStage::pods, RoundStage::main}));
    EXPECT_EQ(results(snapshot, Purpose::next_hop).size(), 2U);
    EXPECT_TRUE(run.world.completed[RoundStage::main]);
}

// Where the owner cannot listen, nothing would ever come in.
TEST(PacketProber, ALegToAHostThatCannotListenIsNotWaitedFor) {
    TwoLegs run;
    run.cluster.facts("node-1").uid = 1000;
    const auto& snapshot = run.observe();
    for (const auto* r : results(snapshot, Purpose::next_hop)) EXPECT_FALSE(r->unknown.empty());
    EXPECT_TRUE(run.world.completed[RoundStage::main]);
}

TEST(PacketProber, LegsAreBoundedAndThoseLeftOutSaySo) {
    Trial run;
    auto& facts = run.cluster.facts("node-0");
    auto& owner = run.cluster.snapshot.inventory.hosts.back();
    ASSERT_EQ(owner.name, "node-1");
    owner.pod_cidrs.clear();
    for (int i = 0; i < 130; ++i) {
        const Prefix cidr{Address::v4(0x0a640000U + (static_cast<std::uint32_t>(i) << 8U)), 24};
        owner.pod_cidrs.push_back(cidr);
        FibAnswer two;
        two.query = {cidr.sample_pod(), address("10.200.0.2"), "cnio0"};
        two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                         {address("10.240.0.22"), testing::kEth0, 0, 1}};
        facts.fib->push_back(two);
    }
    PodSpec pod;
    pod.addresses = {address("10.200.0.200")};
    pod.bridge = "cnio0";
    const auto& host = *run.cluster.snapshot.inventory.find("node-0");
    HostFindings findings;
    findings.asked = {pod};
    findings.pods = {{"node-0", Vantage::pod, pod.addresses.front()}};
    for (const FibQuery& query : leg_queries(run.cluster.snapshot, host, facts, {pod})) {
        FibAnswer a;
        a.query = query;
        a.next_hops = {
            {address(TwoLegs::odd(query.destination) ? "10.240.0.21" : "10.240.0.22"), testing::kEth0, 0, 1}};
        findings.lookups.push_back(a);
    }
    EXPECT_LE(findings.lookups.size(), 2048U);
    const auto legs = leg_targets(run.cluster.snapshot, host, facts, findings);
    ASSERT_EQ(legs.size(), 260U);
    std::size_t left_out = 0;
    for (const LegTarget& leg : legs) {
        EXPECT_NE(leg.target.has_value(), leg.unknown.find("more next hops") != std::string::npos);
        left_out += leg.target ? 0 : 1;
    }
    EXPECT_EQ(left_out, 260U - kMaxLegsOfHost);
}

// Neither in silence, nor at the cost of a smaller route behind it.
TEST(PacketProber, ARouteWithMoreNextHopsThanAreTriedSaysSoOfEach) {
    TwoLegs run;
    FibAnswer wide;
    wide.query = {address("10.200.2.1"), address("10.200.0.2"), "cnio0"};
    for (std::uint32_t i = 0; i <= kMaxLegsOfHost; ++i)
        wide.next_hops.push_back({Address::v4(0x0af10000U + i), testing::kEth0, 0, 1});
    auto& fib = *run.cluster.facts("node-0").fib;
    fib.insert(fib.begin(), wide);
    std::size_t said = 0, tried = 0;
    for (const auto* r : results(run.observe(), Purpose::next_hop)) {
        if (r->destination.host == "node-2") {
            EXPECT_NE(r->unknown.find("more next hops than the 256"), std::string::npos) << r->unknown;
            ++said;
        } else {
            EXPECT_EQ(arrivals(*r), r->sent) << r->unknown;
            ++tried;
        }
    }
    EXPECT_EQ(said, kMaxLegsOfHost + 1);
    EXPECT_EQ(tried, 2U);
}

TEST(PacketProber, ALegToAnotherLinkOfTheOwnerIsSeenThere) {
    Trial run;
    Link second;
    second.index = 9;
    second.name = "eth1";
    second.mac = "02:00:00:00:01:02";
    run.cluster.facts("node-1").links->push_back(second);
    run.cluster.facts("node-1").addresses->push_back({9, address("10.240.200.2"), 16});
    const auto listens = [&] {
        const auto& facts = run.cluster.facts("node-1");
        for (const Link* link :
             uplinks_of(run.cluster.snapshot, *run.cluster.snapshot.inventory.find("node-1"), facts))
            if (link->name == "eth1") return true;
        return false;
    };
    EXPECT_FALSE(listens());
    FibAnswer two;
    two.query = {address("10.200.1.1"), address("10.200.0.2"), "cnio0"};
    two.type = RouteType::unicast;
    two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                     {address("10.240.200.2"), testing::kEth0, 0, 1}};
    run.cluster.facts("node-0").fib->push_back(two);
    EXPECT_TRUE(listens());
}

TEST(PacketProber, ALegThatNoAddressTakesIsUnknown) {
    Trial run;
    FibAnswer two;
    two.query = {address("10.200.1.1"), address("10.200.0.2"), "cnio0"};
    two.type = RouteType::unicast;
    two.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1},
                     {address("10.240.0.99"), testing::kEth0, 0, 1}};
    run.cluster.facts("node-0").fib->push_back(two);
    run.world.lookups = [&](const HostId&, const std::vector<FibQuery>& queries) {
        FibAnswer a;
        a.query = queries.front();
        a.next_hops = {{address("10.240.0.21"), testing::kEth0, 0, 1}};
        return std::vector{a};
    };
    const auto& snapshot = run.observe();
    const auto found = results(snapshot, Purpose::next_hop);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0]->unknown.empty());
    EXPECT_NE(found[1]->unknown.find("10.240.0.99"), std::string::npos);
}

}  // namespace
}  // namespace podroute
