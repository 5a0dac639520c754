// How full the neighbour tables are, as the agent's parts read it of a real kernel.
#include <linux/netlink.h>

#include <fstream>

#include "agent/neighbour_statistics.h"
#include "agent/netlink.h"
#include "agent/tables.h"
#include "tests/lab/agent_lab.h"

namespace podroute {
namespace {

class AgentNeighbours : public AgentLab {};

TEST_F(AgentNeighbours, PermanentAndLearnedOnesDoNotCount) {
    run("ip link add eth0 address 02:00:00:00:00:20 type veth peer name far0; ip link set far0 up");
    run("ip link set eth0 up; ip addr add 10.240.0.20/24 dev eth0; ip addr add fd00:240::20/64 dev eth0 "
        "nodad");
    run("for i in $(seq 30 39); do ip neigh add 10.240.0.$i lladdr 02:00:00:00:00:$i dev eth0 nud permanent; "
        "done");
    run("ip neigh add 10.240.0.50 lladdr 02:00:00:00:00:50 dev eth0 nud reachable extern_learn");
    run("ip neigh add 10.240.0.21 lladdr 02:00:00:00:00:21 dev eth0 nud stale");
    run("ip neigh add proxy 10.240.0.10 dev eth0");
    run("ip -6 neigh add fd00:240::21 lladdr 02:00:00:00:00:21 dev eth0 nud permanent");
    auto netlink = agent::Netlink::open(NETLINK_ROUTE);
    ASSERT_TRUE(netlink);
    const auto found = agent::read_neighbours(
        *netlink, [](const Address& a) { return a == ip("10.240.0.21") || a == ip("10.240.0.30"); });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->uncounted_v4, 11U);
    EXPECT_EQ(found->uncounted_v6, 1U);
    EXPECT_EQ(found->wanted.size(), 2U);
}

// The numbers are of the whole kernel, and shown by its first namespace alone: that of process 1, which is
// only looked at.
TEST_F(AgentNeighbours, TheKernelsOwnStatisticsAreUnderstood) {
    run("ip link add eth0 type veth peer name far0; ip link set far0 up; ip link set eth0 up");
    run("ip neigh add 10.240.0.21 lladdr 02:00:00:00:00:21 dev eth0 nud permanent");
    run("ip -6 neigh add fd00:240::21 lladdr 02:00:00:00:00:21 dev eth0 nud permanent");
    for (const Family family : {Family::v4, Family::v6}) {
        const auto table = agent::read_neighbour_statistics(family, 7, "/proc/1/net/stat");
        ASSERT_TRUE(table.known()) << table.unknown().why;
        EXPECT_GE(table->entries, 1U) << "this namespace's own";
        EXPECT_LT(table->entries, 1U << 20);
        EXPECT_EQ(table->uncounted, 7U);
    }
}

TEST_F(AgentNeighbours, ANamespaceOfItsOwnSaysThatItDoesNotShowThem) {
    const auto facts = gather(tutorial());
    for (const auto* table : {&facts.neighbour_table_v4, &facts.neighbour_table_v6}) {
        ASSERT_FALSE(table->known());
        EXPECT_NE(table->unknown().why.find("_cache: No such file"), std::string::npos)
            << table->unknown().why;
    }
    for (const auto* name : {"netfilter/nf_conntrack_count", "netfilter/nf_conntrack_max"}) {
        std::ifstream file(std::string("/proc/sys/net/") + name);
        std::string line;
        std::getline(file, line);
        ASSERT_TRUE(facts.sysctls.contains(name));
        EXPECT_EQ(*facts.sysctls.at(name), line) << name;
    }
}

}  // namespace
}  // namespace podroute
