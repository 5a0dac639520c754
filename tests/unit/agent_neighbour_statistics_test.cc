// /proc/net/stat/arp_cache: whatever a kernel, or a file in its place, holds.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/neighbour_statistics.h"

namespace podroute::agent {
namespace {

// Linux 6.18, two processors.
const std::string kNames =
    "entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast rcv_probes_ucast "
    "periodic_gc_runs forced_gc_runs unresolved_discards table_fulls\n";
const std::string kKernel =
    kNames +
    "0000041d 0002ceee 0003614a 00000002   000ee74f 000a321c 000002e6   00000000         00000000         "
    "00000682         00000000       00000491            0000000a\n"
    "0000041d 0002ef0f 00025c96 00000009   000f6589 000a8507 000002e1   00000000         00000000         "
    "00000000         00000000       0000015e            00000007\n";

TEST(NeighbourStatistics, EntriesAreOfAllProcessorsFullsAreAddedUp) {
    const auto table = parse_neighbour_statistics(kKernel);
    ASSERT_TRUE(table);
    EXPECT_EQ(*table, (NeighbourTable{0x41d, 0, 17}));
}

TEST(NeighbourStatistics, ColumnsAreFoundByName) {
    const auto table = parse_neighbour_statistics("table_fulls new entries\n\n1 zz ff\n2 - ff");
    ASSERT_TRUE(table);
    EXPECT_EQ(*table, (NeighbourTable{255, 0, 3}));
}

TEST(NeighbourStatistics, HostileTextIsAnErrorNeverANumber) {
    const std::string most = "ffffffffffffffff";
    for (const std::string& text :
         {std::string(), std::string("\n"), kNames, std::string("entries\n10\n"),
          std::string("table_fulls\n1\n"), std::string("entries table_fulls\n1\n"),
          std::string("entries table_fulls\n1 2 3\n"), std::string("entries table_fulls\n1 -2\n"),
          std::string("entries table_fulls\n0x1 2\n"), std::string("entries table_fulls\n1 2\n1 two\n"),
          std::string("entries table_fulls\n1" + most + " 2\n"),
          std::string("entries table_fulls\n1 2\0 3\n", 24), std::string(100'000, ' '),
          std::string(100'000, 'x'),
          std::string("entries table_fulls") + std::string(3000, '\t') + "x\n1 2\n"}) {
        const auto table = parse_neighbour_statistics(text);
        ASSERT_FALSE(table) << text.substr(0, 60);
        EXPECT_EQ(table.error().code, "unreadable");
    }
    // Nothing of it wraps around.
    const auto table =
        parse_neighbour_statistics("entries table_fulls\n" + most + " " + most + "\n1 " + most);
    ASSERT_TRUE(table);
    EXPECT_EQ(table->table_fulls, ~std::uint64_t{0});
}

TEST(NeighbourStatistics, AFileForEachFamily) {
    std::string folder = testing::TempDir() + "podroute-stat-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    std::ofstream(folder + "/arp_cache") << kKernel;
    const auto v4 = read_neighbour_statistics(Family::v4, 5, folder);
    ASSERT_TRUE(v4.known());
    EXPECT_EQ(*v4, (NeighbourTable{0x41d, 5, 17}));
    const auto absent = read_neighbour_statistics(Family::v6, 5, folder);
    ASSERT_FALSE(absent.known());
    EXPECT_EQ(absent.unknown().why, folder + "/ndisc_cache: No such file or directory");
    std::ofstream(folder + "/ndisc_cache") << "nothing of use\n";
    const auto useless = read_neighbour_statistics(Family::v6, 5, folder);
    ASSERT_FALSE(useless.known());
    EXPECT_EQ(useless.unknown().why, folder + "/ndisc_cache: it has no columns entries and table_fulls");
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace podroute::agent
