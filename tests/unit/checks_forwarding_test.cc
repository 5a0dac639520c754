// What the forwarding checks tell a person to type: the narrowest write, in the right order.
#include <gtest/gtest.h>

#include "tests/unit/checks_verdicts.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute::testing {
namespace {

constexpr const char* kForwarding = "forwarding-enabled";

TEST(ForwardingEnabled, IpForwardIsOneWriteForAllLinks) {
    Cluster cluster(2);
    for (auto& [name, value] : cluster.facts("node-0").sysctls)
        if (name.starts_with("ipv4/") && name.find("forward") != std::string::npos) value = std::string("0");
    const Cause cause = cause_of(cluster.snapshot, kForwarding, "node-0", "IPv4");
    EXPECT_EQ(cause.commands, Lines{"ssh root@node-0 sysctl -w net.ipv4.ip_forward=1"});
    EXPECT_EQ(cause.automatic, Automatic::add);
    ASSERT_EQ(cause.remedy.size(), 1U);
    EXPECT_EQ(std::get<std::string>(*cause.remedy[0].change.before), "0");
}

TEST(ForwardingEnabled, ALinkWithADotIsNamedWithSlashes) {
    Cluster cluster(2);
    HostFacts& facts = cluster.facts("node-0");
    (*facts.links)[1].name = "eth0.5";
    facts.sysctls["ipv4/conf/eth0.5/forwarding"] = std::string("0");
    const Cause cause = cause_of(cluster.snapshot, kForwarding, "node-0", "IPv4");
    EXPECT_EQ(cause.commands, Lines{"ssh root@node-0 sysctl -w net/ipv4/conf/eth0.5/forwarding=1"});
}

TEST(ForwardingEnabled, AHostileLinkNameNeverGetsIntoACommand) {
    Cluster cluster(2);
    HostFacts& facts = cluster.facts("node-0");
    (*facts.links)[1].name = "e;reboot";
    facts.sysctls["ipv4/conf/e;reboot/forwarding"] = std::string("0");
    EXPECT_TRUE(cause_of(cluster.snapshot, kForwarding, "node-0", "IPv4").commands.empty());
}

Cluster advertised() {
    Cluster cluster({.nodes = 2, .ipv6 = true});
    for (Route& route : cluster.routes("node-0"))
        if (route.destination == prefix("::/0")) route.protocol = 9;  // RTPROT_RA
    cluster.set_sysctl("node-0", "ipv6/conf/all/forwarding", "0");
    cluster.set_sysctl("node-0", "ipv6/conf/eth0/accept_ra", "1");
    return cluster;
}

TEST(ForwardingEnabled, AnAdvertisedDefaultRouteIsSavedFirst) {
    const Cause cause = cause_of(advertised().snapshot, kForwarding, "node-0", "IPv6");
    const Lines wanted{"ssh root@node-0 sysctl -w net.ipv6.conf.eth0.accept_ra=2",
                       "ssh root@node-0 sysctl -w net.ipv6.conf.all.forwarding=1"};
    EXPECT_EQ(cause.commands, wanted);
    EXPECT_EQ(cause.automatic, Automatic::never);
}

TEST(ForwardingEnabled, WhereTheKernelCanForceALinkTheAdvertisedRouteStays) {
    Cluster cluster = advertised();
    for (const char* link : {"eth0", "cnio0"})
        cluster.set_sysctl("node-0", std::string("ipv6/conf/") + link + "/force_forwarding", "0");
    const Cause cause = cause_of(cluster.snapshot, kForwarding, "node-0", "IPv6");
    const Lines wanted{"ssh root@node-0 sysctl -w net.ipv6.conf.eth0.force_forwarding=1",
                       "ssh root@node-0 sysctl -w net.ipv6.conf.cnio0.force_forwarding=1"};
    EXPECT_EQ(cause.commands, wanted);
    EXPECT_EQ(cause.automatic, Automatic::add);
}

TEST(ForwardingEnabled, NothingIsSaidOfControlHosts) {
    for (const Verdict& verdict : run_check(Cluster(2).snapshot, kForwarding))
        EXPECT_NE(verdict.host, "server");
}

TEST(ForwardingEnabled, AnUnreadHostIsUnknownForItsReason) {
    Cluster cluster(2);
    cluster.lose("node-1");
    const Verdict verdict = verdict_of(cluster.snapshot, kForwarding, "node-1");
    EXPECT_EQ(verdict.status, Status::unknown);
    EXPECT_EQ(verdict.blocked_by, "host-unreachable");
}

TEST(ForwardingEnabled, AValueThatIsNoNumberIsUnknown) {
    Cluster cluster(2);
    cluster.set_sysctl("node-0", "ipv4/ip_forward", "1; rm");
    EXPECT_EQ(verdict_of(cluster.snapshot, kForwarding, "node-0").status, Status::unknown);
    cluster.facts("node-0").sysctls.erase("ipv4/ip_forward");
    EXPECT_EQ(verdict_of(cluster.snapshot, kForwarding, "node-0").status, Status::unknown);
}

TEST(FirewallSingle, UnreadRulesAreUnknown) {
    Cluster cluster(2);
    cluster.facts("node-0").firewall = Unknown{"needs root", "", ""};
    EXPECT_EQ(verdict_of(cluster.snapshot, "firewall-single", "node-0").status, Status::unknown);
}

TEST(ReversePath, AWrongRouteBlocksIt) {
    Cluster cluster(2);
    cluster.add_link("node-1", 9, "eth1", "");
    cluster.add_address("node-1", "10.250.0.21", 24, 9);
    cluster.set_sysctl("node-1", "ipv4/conf/all/rp_filter", "1");
    cluster.del_route("node-1", "10.200.0.0/24");
    cluster.add_route("node-1", via("10.200.0.0/24", "10.250.0.99", 9));
    const Verdict verdict = verdict_of(cluster.snapshot, "reverse-path", "node-1");
    EXPECT_EQ(verdict.status, Status::skip);
    EXPECT_EQ(verdict.blocked_by, "route-wrong-gateway");
}

}  // namespace
}  // namespace podroute::testing
