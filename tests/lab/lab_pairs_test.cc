// What the selftest of packets lets pass of a report's pairs, and what it does not; no lab needed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "fixtures/lab/judge_pairs.h"

namespace podroute::lab {
namespace {

Topology topology(bool cni = true) {
    LabOptions o;
    o.cni = cni;
    return *make_topology(o);
}

struct Probe {
    std::string source, destination, protocol;
    unsigned size = 84, sent = 3, arrived = 3, answered = 3;
    bool rewritten = false;
    std::string stopped{};   // JSON, empty: null
    std::string next_hop{};  // empty: a pair's

    bool between(const std::string& from, const std::string& to) const {
        return source == from && destination == to;
    }
    std::string json() const {
        const auto end = [](const std::string& host) {
            return fmt::format(R"({{"host":"{}","vantage":"{}","address":"10.0.0.1"}})", host,
                               host == "server" ? "node" : "pod");
        };
        return fmt::format(
            R"({{"source":{},"destination":{},"protocol":"{}","size":{},"sent":{},"arrived":{},"answered":{},"source_seen":{},"stopped_at":{}{}}})",
            end(source), end(destination), protocol, size, sent, arrived, answered,
            rewritten ? R"("10.240.0.20")" : "null", stopped.empty() ? "null" : stopped,
            next_hop.empty() ? "" : fmt::format(R"(,"next_hop":"{}")", next_hop));
    }
};

std::string stop(const std::string& host, const std::string& interface, const std::string& leg) {
    return fmt::format(R"({{"host":"{}","interface":"{}","leg":"{}"}})", host, interface, leg);
}

// All pairs of two nodes and a server, answered.
std::vector<Probe> healthy() {
    std::vector<Probe> probes;
    for (const char* from : {"server", "node-0", "node-1"})
        for (const char* to : {"server", "node-0", "node-1"}) {
            const std::string source = from, destination = to;
            if (source == "server" && destination == "server") continue;
            probes.push_back({.source = source, .destination = destination, .protocol = "icmp"});
            probes.push_back({.source = source, .destination = destination, .protocol = "tcp", .size = 40});
            probes.push_back({.source = source, .destination = destination, .protocol = "udp"});
            if (source != destination)
                probes.push_back({.source = source,
                                  .destination = destination,
                                  .protocol = "icmp",
                                  .size = 1500,
                                  .sent = 1,
                                  .arrived = 1,
                                  .answered = 1});
        }
    return probes;
}

struct Judged {
    std::string problem;
    PairCounts counts;
};

Judged judged(const char* name, const std::vector<Probe>& probes, const Topology& lab = topology()) {
    const Fault& fault = *find_fault(name);
    std::string list;
    for (const auto& probe : probes) list += (list.empty() ? "" : ",") + probe.json();
    Judged out;
    out.problem = judge_pairs(fault, lab, *place(fault, lab, {}), "{\"probes\":[" + list + "]}", out.counts);
    return out;
}

// As firewall-drop must look.
std::vector<Probe> dropped() {
    auto probes = healthy();
    for (auto& p : probes) {
        if (p.source == p.destination || (p.source != "node-0" && p.destination != "node-0")) continue;
        p.arrived = p.answered = 0;
        p.stopped =
            p.source == "node-0" ? stop("node-0", "cnio0", "request") : stop("node-0", "eth0", "request");
    }
    return probes;
}

TEST(LabPairs, AHealthyLabHasEveryPairAnswered) {
    const auto good = judged("healthy", healthy());
    EXPECT_EQ(good.problem, "");
    EXPECT_EQ(good.counts.failed, 0U);
    for (std::size_t i = 0; i < healthy().size(); ++i) {
        auto probes = healthy();
        const auto gone = probes[i];
        probes.erase(probes.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_NE(judged("healthy", probes).problem.find("was not probed"), std::string::npos) << gone.json();
        for (auto* count : {&probes[0].sent, &probes[0].arrived, &probes[0].answered}) {
            auto changed = probes[0];
            *count = 0;
            EXPECT_NE(judged("healthy", probes).problem, "") << changed.json();
            probes[0] = changed;
        }
    }
    auto rewritten = healthy();
    rewritten[0].rewritten = true;
    EXPECT_NE(judged("healthy", rewritten).problem, "");
}

TEST(LabPairs, EachFailedPairMustStopWhereTheFaultSays) {
    const auto good = judged("firewall-drop", dropped());
    EXPECT_EQ(good.problem, "");
    EXPECT_EQ(good.counts.failed, 12U);
    EXPECT_EQ(good.counts.wanted, 12U);
    for (const auto& wrong :
         {stop("node-1", "cnio0", "request"), stop("node-0", "eth0", "request"),
          stop("node-0", "", "request"), stop("node-0", "cnio0", "reply"), std::string()}) {
        auto probes = dropped();
        for (auto& p : probes)
            if (p.between("node-0", "node-1") && p.protocol == "tcp") p.stopped = wrong;
        EXPECT_NE(judged("firewall-drop", probes).problem, "") << wrong;
    }
}

TEST(LabPairs, ThePairsThatFailMustBeExactlyThose) {
    auto one_works = dropped();
    for (auto& p : one_works)
        if (p.between("server", "node-0") && p.protocol == "tcp") p.answered = p.arrived = 3, p.stopped = "";
    EXPECT_NE(judged("firewall-drop", one_works).problem, "");
    auto one_more = dropped();
    for (auto& p : one_more)
        if (p.between("server", "node-1") && p.protocol == "tcp")
            p.answered = 0, p.stopped = stop("node-0", "eth0", "request");
    EXPECT_NE(judged("firewall-drop", one_more).problem, "");
    // Without a bridge the pods of one node pass its FORWARD hook, too.
    EXPECT_NE(judged("firewall-drop", dropped(), topology(false)).problem, "");
}

TEST(LabPairs, TheDeadNextHopMustBeThereWhateverPairsTakeIt) {
    auto probes = healthy();
    EXPECT_NE(judged("dead-next-hop", probes).problem.find("nothing was sent via 10.240.200.2"),
              std::string::npos);
    probes.push_back({.source = "node-0",
                      .destination = "node-1",
                      .protocol = "icmp",
                      .sent = 20,
                      .arrived = 0,
                      .answered = 0,
                      .stopped = stop("node-0", "eth0", "request"),
                      .next_hop = "10.240.200.2"});
    EXPECT_EQ(judged("dead-next-hop", probes).problem, "");
    probes.push_back(probes.back());
    probes.back().next_hop = "10.240.0.21";  // the other delivers, and nobody answers
    probes.back().arrived = 20;
    probes.back().stopped = "";
    EXPECT_EQ(judged("dead-next-hop", probes).problem, "");
    for (const auto& wrong : {stop("node-1", "eth0", "request"), stop("node-0", "cnio0", "request"),
                              stop("node-0", "eth0", "reply"), std::string()}) {
        probes[probes.size() - 2].stopped = wrong;
        EXPECT_NE(judged("dead-next-hop", probes).problem, "") << wrong;
    }
}

TEST(LabPairs, UdpMustBeThereWhereItWasAskedFor) {
    auto probes = healthy();
    for (auto& p : probes) {
        if (p.protocol != "udp" || p.source == p.destination) continue;
        if (p.source != "node-0" && p.destination != "node-0") continue;
        p.arrived = p.answered = 0;
        p.stopped =
            p.source == "node-0" ? stop("node-0", "cnio0", "request") : stop("node-0", "eth0", "request");
    }
    EXPECT_EQ(judged("firewall-drop-udp", probes).problem, "");
    EXPECT_EQ(judged("firewall-drop-udp", probes).counts.wanted, 4U);
    std::erase_if(probes, [](const Probe& p) { return p.protocol == "udp"; });
    EXPECT_NE(judged("firewall-drop-udp", probes).problem.find("udp was not probed"), std::string::npos);
}

TEST(LabPairs, RandomLossMayMissAPairButNotAll) {
    EXPECT_NE(judged("packet-loss", healthy()).problem, "");
    auto probes = healthy();
    for (auto& p : probes)
        if (p.between("server", "node-0") && p.protocol == "tcp")
            p.sent = 20, p.arrived = p.answered = 12, p.stopped = stop("node-0", "eth0", "request");
    EXPECT_EQ(judged("packet-loss", probes).problem, "");
    for (auto& p : probes)
        if (p.between("server", "node-0") && p.protocol == "tcp")
            p.stopped = stop("server", "eth0", "request");
    EXPECT_NE(judged("packet-loss", probes).problem, "");
}

TEST(LabPairs, ARewrittenSourceMustBeSeen) {
    EXPECT_NE(judged("nat-rewritten", healthy()).problem, "");
    auto probes = healthy();
    for (auto& p : probes) p.rewritten = p.source == "node-0" && p.destination != "node-0";
    EXPECT_EQ(judged("nat-rewritten", probes).problem, "");
}

TEST(LabPairs, EvidenceIsLeftOutAndWhatCannotBeReadIsNoPass) {
    const Fault& fault = *find_fault("healthy");
    const Topology lab = topology();
    for (const char* bytes :
         {"", "[]", "{}", R"({"probes":[{}]})", R"({"probes":[1]})", R"({"probes":[]})"}) {
        PairCounts counts;
        EXPECT_NE(judge_pairs(fault, lab, *place(fault, lab, {}), bytes, counts), "") << bytes;
    }
    // A node that has pods is no vantage that may raise an alarm.
    std::string list;
    for (const auto& probe : healthy()) list += probe.json() + ",";
    auto lost = Probe{.source = "node-0", .destination = "node-1", .protocol = "icmp", .arrived = 0}.json();
    lost.replace(lost.find("pod"), 3, "node");
    PairCounts counts;
    EXPECT_EQ(judge_pairs(fault, lab, *place(fault, lab, {}), "{\"probes\":[" + list + lost + "]}", counts),
              "");
}

}  // namespace
}  // namespace podroute::lab
