// What the selftest lets pass and what it does not; no lab needed.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "fixtures/lab/selftest.h"

namespace podroute::lab {
namespace {

Topology topology(unsigned nodes = 2) {
    LabOptions o;
    o.nodes = nodes;
    return *make_topology(o);
}

std::string judged(const char* name, int exit_code, const std::string& diagnoses) {
    const Fault& fault = *find_fault(name);
    CaseResult r;
    r.exit_code = exit_code;
    return judge_report(
        fault, topology(), *place(fault, topology(), {}),
        "{\"run\":{\"exit_code\":" + std::to_string(exit_code) + "},\"diagnoses\":[" + diagnoses + "]}", r);
}

const std::string kRight = R"({"code":"route-missing","severity":"error","host":"node-0"})";

TEST(LabJudge, TakesExactlyTheWantedCause) {
    EXPECT_EQ(judged("route-missing", 1, kRight), "");
}

TEST(LabJudge, RefusesWhatIsNotIt) {
    EXPECT_NE(judged("route-missing", 0, ""), "");
    EXPECT_NE(judged("route-missing", 1, R"({"code":"route-missing","severity":"error","host":"node-1"})"),
              "");
    EXPECT_NE(judged("route-missing", 1, R"({"code":"route-missing","severity":"warning","host":"node-0"})"),
              "");
    EXPECT_NE(judged("route-missing", 1, kRight + "," + kRight), "") << "one fault is one cause";
    EXPECT_NE(
        judged("route-missing", 1, kRight + R"(,{"code":"link-down","severity":"error","host":"node-1"})"),
        "");
    EXPECT_NE(judged("healthy", 1, kRight), "");
}

TEST(LabJudge, WarningsBesideAreNoErrors) {
    EXPECT_EQ(judged("route-missing", 1,
                     kRight + R"(,{"code":"firewall-mixed","severity":"warning","host":"node-1"})"),
              "");
    EXPECT_EQ(
        judged("firewall-mixed", 0, R"({"code":"firewall-mixed","severity":"warning","host":"node-0"})"), "");
    EXPECT_NE(judged("firewall-mixed", 0, ""), "") << "a wanted warning must be there";
}

TEST(LabJudge, NoReportIsNoPass) {
    const Fault& fault = *find_fault("healthy");
    const auto at = *place(fault, topology(), {});
    for (const char* bytes :
         {"", "{}", "[]", "{\"diagnoses\":{}}", "{\"diagnoses\":[1]}", "{\"diagnoses\":[]}"}) {
        CaseResult r;
        r.exit_code = 0;
        EXPECT_NE(judge_report(fault, topology(), at, bytes, r), "") << bytes;
    }
}

TEST(LabJudge, EveryCauseOfTheTablesHasAFault) {
    std::set<std::string_view> codes, names;
    for (const Fault& f : all_faults()) {
        codes.insert(f.code);
        EXPECT_TRUE(names.insert(f.name).second) << f.name << " stands twice";
    }
    for (const char* code :
         {"inventory-overlap",     "host-unreachable",   "ssh-auth-failed",     "ssh-host-key-unknown",
          "ssh-host-key-mismatch", "ssh-failed",         "agent-failed",        "address-missing",
          "address-duplicate",     "link-down",          "route-missing",       "route-partial",
          "route-shadowed",        "route-blackhole",    "route-wrong-gateway", "rule-diverted",
          "neighbour-wrong",       "gateway-unresolved", "pod-cidr-mismatch",   "forwarding-disabled",
          "rp-filter-drop",        "datapath-foreign",   "firewall-mixed"})
        EXPECT_TRUE(codes.contains(code)) << code;
}

TEST(LabJudge, EveryCauseOfPacketsHasAFault) {
    std::set<std::string_view> codes;
    for (const Fault& f : all_faults()) {
        if (f.packets) codes.insert(f.code);
        // Where nothing is worse than information, no pair may fail.
        const bool all_answered = std::all_of(f.pairs.begin(), f.pairs.end(), [](const PairRule& rule) {
            return rule.fate == PairFate::answered;
        });
        EXPECT_EQ(all_answered, !f.packets || f.severity == Severity::none) << f.name;
    }
    for (const char* code :
         {"firewall-drop", "host-drop", "icmp-filtered", "nat-rewritten", "route-missing", "mtu-mismatch",
          "packet-loss", "fabric-drop", "fabric-misrouted", "routed-by-fabric"})
        EXPECT_TRUE(codes.contains(code)) << code;
}

TEST(LabJudge, PlacesFaultsOnTheHostsThatWereNamed) {
    const Fault& fault = *find_fault("route-missing");
    EXPECT_EQ(*place(fault, topology(4), {"node-3"}), (Broken{"route-missing", "node-3", "node-0"}));
    EXPECT_EQ(*place(fault, topology(4), {"node-3", "node-1"}),
              (Broken{"route-missing", "node-3", "node-1"}));
    EXPECT_FALSE(place(fault, topology(4), {"node-9"}));
    EXPECT_FALSE(place(fault, topology(4), {"jumpbox"}));
    EXPECT_FALSE(place(fault, topology(4), {"node-1", "node-1"}));
    EXPECT_FALSE(place(fault, topology(4), {"node-1", "server"}));
    EXPECT_FALSE(place(*find_fault("route-missing-v6"), topology(), {}));
}

TEST(LabJudge, TellsStatesApart) {
    const States before{{"node-0", {"a", "b"}}, {"node-1", {"c"}}};
    EXPECT_TRUE(differences(before, before).empty());
    EXPECT_EQ(differences(before, {{"node-0", {"b", "d"}}}),
              (std::vector<std::string>{"node-0 -a", "node-0 +d", "node-1 -c"}));
}

}  // namespace
}  // namespace podroute::lab
