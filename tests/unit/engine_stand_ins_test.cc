// Which address stands for one that was asked for, and why.
#include <gtest/gtest.h>

#include "engine/stand_ins.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::address;
using testing::Cluster;

Endpoint pod(const HostId& host, const std::string& text) {
    return {host, Vantage::pod, address(text)};
}

// The pair 10.200.0.2 (named) and `asked`, whose probes go from 10.200.0.201 to `used`.
Snapshot traced(const std::string& asked, const std::string& used, const std::string& refusal = "") {
    Cluster cluster(2);
    Snapshot& snapshot = cluster.snapshot;
    snapshot.policy.pair = std::pair(pod("node-0", "10.200.0.2"), pod("node-1", asked));
    snapshot.policy.pair_addresses = {address(asked)};
    RoundResult pods;
    pods.stage = RoundStage::pods;
    HostFindings findings;
    if (!refusal.empty()) findings.pods_refused = {{"pod-unavailable", asked + ": " + refusal, asked}};
    pods.hosts["node-1"] = findings;
    RoundResult main;
    main.stage = RoundStage::main;
    for (const bool back : {false, true}) {
        ProbeResult probe;
        probe.source = pod("node-0", "10.200.0.201");
        probe.destination = pod("node-1", used);
        if (back) std::swap(probe.source, probe.destination);
        main.probes.push_back(probe);
    }
    snapshot.rounds = {pods, main};
    return snapshot;
}

std::string text_of(const Snapshot& snapshot) {
    const auto found = stand_ins(snapshot);
    return found.size() == 1 ? stand_in_text(found.front()) : std::to_string(found.size());
}

TEST(StandIns, NoneWhereTheAddressWasTaken) {
    EXPECT_EQ(text_of(traced("10.200.1.7", "10.200.1.7")), "0");
}

TEST(StandIns, SayWhatTheHostSaid) {
    EXPECT_EQ(text_of(traced("10.200.1.7", "10.200.1.203", "another answers for it")),
              "10.200.1.203 stands for 10.200.1.7: another answers for it");
}

TEST(StandIns, SayWhyTheHostWasNotAsked) {
    EXPECT_EQ(text_of(traced("10.200.1.1", "10.200.1.203")),
              "10.200.1.203 stands for 10.200.1.1: the host itself carries it");
    EXPECT_EQ(
        text_of(traced("10.200.1.255", "10.200.1.203")),
        "10.200.1.203 stands for 10.200.1.255: it is no pod's: the network's own, its gateway's or its last");
}

TEST(StandIns, NoneWhereNoPodWasOpened) {
    Snapshot snapshot = traced("10.200.1.7", "10.200.1.203");
    for (ProbeResult& probe : snapshot.rounds.back().probes) probe.unknown = "node-1: no synthetic pod";
    EXPECT_EQ(text_of(snapshot), "0");
}

}  // namespace
}  // namespace podroute
