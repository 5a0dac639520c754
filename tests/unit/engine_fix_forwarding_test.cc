// Forwarding is turned on for what needs it and for nothing else.
#include <gtest/gtest.h>

#include "engine/fix_text.h"
#include "tests/unit/engine_fix_cases.h"

namespace podroute {
namespace {

using testing::Cluster;
using testing::ClusterOptions;
using testing::forwarding_cause;
using testing::kEth0;
using testing::planned;
using testing::via;

using Values = std::map<std::string, std::string>;

// As after `sysctl net.ipv4.ip_forward=0`, on a host that has a docker0 too.
Cluster forwarding_off(const ClusterOptions& options = {}) {
    Cluster cluster(options);
    cluster.add_link("node-0", 9, "docker0", "bridge");
    auto& sysctls = cluster.facts("node-0").sysctls;
    sysctls["ipv4/conf/docker0/accept_redirects"] = std::string("0");
    for (auto& [name, value] : sysctls)
        if (name.starts_with("ipv4/") && name.ends_with("forward")) value = std::string("0");
    for (const char* link : {"all", "default", "lo", "eth0", "cnio0", "docker0"})
        if (sysctls.contains("ipv4/conf/" + std::string(link) + "/forwarding"))
            sysctls["ipv4/conf/" + std::string(link) + "/forwarding"] = std::string("0");
    return cluster;
}

Fix the_fix(const Cluster& cluster, const std::string& name = "ipv4/ip_forward") {
    const auto fixes = planned(cluster, {forwarding_cause(cluster, "node-0", name)});
    return fixes.size() == 1 ? fixes[0] : Fix{};
}

TEST(FixForwarding, OnlyTheLinksThatCarryTrafficAreTurnedOn) {
    const Fix fix = the_fix(forwarding_off());
    ASSERT_EQ(fix.status, FixStatus::planned) << fix.reason;
    EXPECT_EQ(fix.change.object, Object{SysctlSetObject{"ipv4/ip_forward"}});
    const auto& before = std::get<Values>(*fix.change.before);
    const auto& after = std::get<Values>(*fix.change.after);
    EXPECT_EQ(before.at("ipv4/ip_forward"), "0");
    const Values wanted{{"ipv4/ip_forward", "1"},
                        {"ipv4/conf/all/forwarding", "1"},
                        {"ipv4/conf/eth0/forwarding", "1"},
                        {"ipv4/conf/cnio0/forwarding", "1"},
                        {"ipv4/conf/default/forwarding", "0"},
                        {"ipv4/conf/docker0/forwarding", "0"},
                        {"ipv4/conf/lo/forwarding", "0"}};
    for (const auto& [name, value] : wanted) EXPECT_EQ(after.at(name), value) << name;
    for (const auto& [name, value] : before)
        if (name.ends_with("accept_redirects")) {
            EXPECT_EQ(after.at(name), value) << name;
        }
    EXPECT_EQ(before.size(), after.size());
}

TEST(FixForwarding, TheCommandRestoresWhatTheWriteOverwrites) {
    EXPECT_EQ(the_fix(forwarding_off()).command,
              "ssh root@node-0 sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.all.accept_redirects=1 "
              "net.ipv4.conf.default.forwarding=0 net.ipv4.conf.docker0.forwarding=0 "
              "net.ipv4.conf.lo.forwarding=0");
    const Fix fix = the_fix(forwarding_off());
    EXPECT_EQ(fix.diff.front(), "- net.ipv4.conf.all.forwarding = 0");
    EXPECT_EQ(fix.diff.back(), "+ net.ipv4.ip_forward = 1");
    EXPECT_EQ(change_command("node-0", reversed(fix.change), HostFacts{}),
              "ssh root@node-0 sysctl -w net.ipv4.ip_forward=0")
        << "0 over all is what there was";
}

TEST(FixForwarding, LinksToComeAreTurnedOnWhereThePodsOneIsStillToCome) {
    const Fix fix = the_fix(forwarding_off({.bridge = false}));
    ASSERT_EQ(fix.status, FixStatus::planned) << fix.reason;
    EXPECT_EQ(std::get<Values>(*fix.change.after).at("ipv4/conf/default/forwarding"), "1");
}

TEST(FixForwarding, WithIpForwardOnOnlyTheOneLinkIsWritten) {
    Cluster cluster(2);
    cluster.set_sysctl("node-0", "ipv4/conf/eth0/forwarding", "0");
    const Fix fix = the_fix(cluster, "ipv4/conf/eth0/forwarding");
    ASSERT_EQ(fix.status, FixStatus::planned) << fix.reason;
    EXPECT_EQ(fix.change, (Change{SysctlObject{"ipv4/conf/eth0/forwarding"}, State{std::string("0")},
                                  State{std::string("1")}}));
    EXPECT_EQ(fix.command, "ssh root@node-0 sysctl -w net.ipv4.conf.eth0.forwarding=1");
}

TEST(FixForwarding, AValueThatWouldBeOverwrittenMustBeKnown) {
    Cluster unread = forwarding_off();
    unread.facts("node-0").sysctls["ipv4/conf/docker0/forwarding"] = Unknown{"no permission", "", ""};
    EXPECT_EQ(the_fix(unread).status, FixStatus::refused);
    EXPECT_NE(the_fix(unread).reason.find("no permission"), std::string::npos);
    Cluster absent = forwarding_off();
    absent.facts("node-0").sysctls.erase("ipv4/conf/docker0/accept_redirects");
    EXPECT_EQ(the_fix(absent).status, FixStatus::refused);
    Cluster too_many = forwarding_off();
    too_many.facts("node-0").sysctls["ipv4/conf/all/accept_redirects"] = Unknown{"too many", "", ""};
    EXPECT_EQ(the_fix(too_many).status, FixStatus::refused);
}

TEST(FixForwarding, WithoutUplinkItIsNotKnownWhatToTurnOn) {
    Cluster cluster = forwarding_off();
    const Cause cause = forwarding_cause(cluster, "node-0", "ipv4/ip_forward");
    cluster.facts("node-0").addresses = Unknown{"no permission", "", ""};
    EXPECT_EQ(planned(cluster, {cause}).at(0).status, FixStatus::refused);
}

TEST(FixForwarding, ItMustHelp) {
    Cluster cluster(2);
    cluster.set_sysctl("node-0", "ipv4/conf/default/forwarding", "0");
    const Fix fix = the_fix(cluster, "ipv4/conf/default/forwarding");
    EXPECT_EQ(fix.status, FixStatus::refused) << "the bridge is there: nothing needs the default";
}

Cluster ipv6_off() {
    Cluster cluster({.ipv6 = true});
    for (auto& [name, value] : cluster.facts("node-0").sysctls)
        if (name.starts_with("ipv6/") && name.ends_with("/forwarding")) value = std::string("0");
    return cluster;
}

TEST(FixForwarding, IPv6) {
    const Fix fix = the_fix(ipv6_off(), "ipv6/conf/all/forwarding");
    ASSERT_EQ(fix.status, FixStatus::planned) << fix.reason;
    const auto& after = std::get<Values>(*fix.change.after);
    EXPECT_EQ(after.at("ipv6/conf/all/forwarding"), "1");
    EXPECT_EQ(after.at("ipv6/conf/eth0/forwarding"), "1");
    EXPECT_EQ(after.at("ipv6/conf/lo/forwarding"), "0");
}

TEST(FixForwarding, AnAdvertisedDefaultRouteWouldGo) {
    Cluster cluster = ipv6_off();
    for (Route& route : cluster.routes("node-0"))
        if (route.destination == Prefix::any(Family::v6)) route.protocol = 9;
    for (const char* accept_ra : {"0", "1"}) {
        cluster.set_sysctl("node-0", "ipv6/conf/eth0/accept_ra", accept_ra);
        const Fix fix = the_fix(cluster, "ipv6/conf/all/forwarding");
        EXPECT_EQ(fix.status, FixStatus::refused);
        EXPECT_NE(fix.reason.find("set accept_ra of eth0 to 2 first"), std::string::npos) << fix.reason;
    }
    cluster.set_sysctl("node-0", "ipv6/conf/eth0/accept_ra", "2");
    EXPECT_EQ(the_fix(cluster, "ipv6/conf/all/forwarding").status, FixStatus::planned);
}

TEST(FixForwarding, WhatIsLeftToAPersonIsStillToldOf) {
    Cluster cluster = ipv6_off();
    Cause cause = forwarding_cause(cluster, "node-0", "ipv6/conf/all/forwarding");
    cause.automatic = Automatic::never;
    EXPECT_EQ(planned(cluster, {cause}).at(0).status, FixStatus::refused);
}

}  // namespace
}  // namespace podroute
