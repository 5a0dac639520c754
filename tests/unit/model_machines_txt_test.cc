// machines.txt as people write it, and what is said when it is wrong.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "model/inventory.h"

namespace podroute {
namespace {

constexpr auto kTutorial =
    "10.240.0.10 server.kubernetes.local server\n"
    "10.240.0.20 node-0.kubernetes.local node-0 10.200.0.0/24\n"
    "10.240.0.21 node-1.kubernetes.local node-1 10.200.1.0/24\n";

Inventory good(std::string_view text) {
    auto parsed = parse_machines_txt(text, "machines.txt");
    if (!parsed) {
        for (const auto& e : parsed.error().errors) ADD_FAILURE() << e.where << ": " << e.text;
        return {};
    }
    return *parsed;
}

std::vector<std::string> errors(std::string_view text) {
    const auto parsed = parse_machines_txt(text, "m");
    std::vector<std::string> out;
    if (!parsed)
        for (const auto& e : parsed.error().errors) out.push_back(e.where + " " + e.code);
    return out;
}

using Lines = std::vector<std::string>;

TEST(MachinesTxt, ReadsTheTutorialsFile) {
    const auto inventory = good(kTutorial);
    ASSERT_EQ(inventory.hosts.size(), 3U);
    EXPECT_TRUE(inventory.hosts[0].pod_cidrs.empty());
    EXPECT_EQ(inventory.hosts[2].name, "node-1");
    EXPECT_EQ(inventory.hosts[2].pod_cidrs[0].to_string(), "10.200.1.0/24");
    EXPECT_EQ(inventory.pod_networks(), 2U);
}

TEST(MachinesTxt, BlanksCommentsCrLfAndNoLastNewlineChangeNothing) {
    const auto inventory = good(
        "\xef\xbb\xbf# machines\r\n\r\n\t 10.240.0.10\t server.kubernetes.local  server\r\n   \r\n"
        "10.240.0.20 node-0.kubernetes.local node-0 10.200.0.0/24 # first\r\n10.240.0.21 "
        "node-1.kubernetes.local node-1 10.200.1.0/24");
    auto wanted = good(kTutorial);
    ASSERT_EQ(inventory.hosts.size(), 3U);
    for (auto i : {0U, 1U, 2U}) wanted.hosts[i].lines = inventory.hosts[i].lines;
    EXPECT_EQ(inventory, wanted);
}

TEST(MachinesTxt, TwoLinesOfOneHostAreDualStack) {
    const auto inventory = good(
        "10.240.0.20 n0.k node-0 10.200.0.0/24\n10.240.0.21 n1.k node-1\nfd00:10:240::14 n0.k node-0 "
        "fd00:10:200::/64\n");
    ASSERT_EQ(inventory.hosts.size(), 2U);
    EXPECT_EQ(inventory.hosts[0].addresses.size(), 2U);
    EXPECT_EQ(inventory.hosts[0].pod_cidrs.size(), 2U);
    EXPECT_EQ(inventory.hosts[0].lines, (std::vector<unsigned>{1, 3}));
}

TEST(MachinesTxt, TellsEveryErrorAtOnceWithItsPlace) {
    EXPECT_EQ(
        errors("10.240.0.1O s.k server\n"
               "10.240.0.20 n0.k\n"
               "10.240.0.21 n1.k node-1 10.200.1.1/24 10.200.2.0/33\n"
               "10.240.0.21 n2.k node-2\n"
               "10.240.0.23 n3.k node-1\n"),
        (Lines{"m:1:1 bad-address", "m:2:17 too-few-fields", "m:3:25 host-bits-set", "m:3:39 bad-prefix",
               "m:4:1 duplicate-address", "m:5:13 duplicate-name", "m:5:18 duplicate-name"}));
}

TEST(MachinesTxt, ACidrNeedsANodeAddressOfItsFamily) {
    EXPECT_EQ(errors("10.240.0.20 n0.k node-0 fd00::/64\n"), Lines{"m:1:25 no-node-address"});
}

TEST(MachinesTxt, RefusesEmptyBinaryAndHuge) {
    EXPECT_EQ(errors(""), Lines{"m:1:1 empty-inventory"});
    EXPECT_EQ(errors("# nothing\n\n"), Lines{"m:1:1 empty-inventory"});
    EXPECT_EQ(errors(std::string_view("\x7f"
                                      "ELF\0",
                                      5)),
              Lines{"m:1:1 binary"});
    EXPECT_EQ(errors(std::string(kMaxInventoryBytes + 1, ' ')), Lines{"m:1:1 too-large"});
}

TEST(MachinesTxt, RefusesAddressesNobodyRoutesTo) {
    for (const auto* a : {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "ff02::1",
                          "::ffff:10.0.0.1"})
        EXPECT_EQ(errors(std::string(a) + " h.k h"), Lines{"m:1:1 bad-address"}) << a;
}

TEST(MachinesTxt, RefusesPodNetworksThatAreNeverRouted) {
    for (const char* cidr :
         {"127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "0.0.0.0/0", "64.0.0.0/2", "169.254.1.0/24"})
        EXPECT_EQ(errors(std::string("10.240.0.20 f n ") + cidr + "\n"), (Lines{"m:1:17 bad-prefix"}))
            << cidr;
    for (const char* cidr : {"::/0", "fe80::/64", "ff02::/16"})
        EXPECT_EQ(errors(std::string("fd00::1 f n ") + cidr + "\n"), (Lines{"m:1:13 bad-prefix"})) << cidr;
}

TEST(MachinesTxt, ErrorsStandInTheOrderOfTheFile) {
    EXPECT_EQ(errors("10.240.0.10 f n\n"
                     "10.240.0.10 f other 10.200.0.1/24\n"
                     "10.240.0.12 g m fd00::/64\n"
                     "10.240.0.13\n"),
              (Lines{"m:2:1 duplicate-address", "m:2:13 duplicate-fqdn", "m:2:21 host-bits-set",
                     "m:3:17 no-node-address", "m:4:12 too-few-fields"}));
}

TEST(MachinesTxt, NamesCannotSmuggleOptionsOrControlBytes) {
    EXPECT_EQ(errors("10.0.0.1 h.k -oProxyCommand=x"), Lines{"m:1:14 bad-name"});
    EXPECT_EQ(errors("10.0.0.1 h.k a;b"), Lines{"m:1:14 bad-name"});
    EXPECT_EQ(errors("10.0.0.1 h.k 10.200.0.0/24"), Lines{"m:1:14 bad-name"});
}

TEST(MachinesTxt, OverlapsAreNotSyntaxErrors) {
    EXPECT_EQ(good("10.0.0.1 a.k a 10.200.0.0/24\n10.0.0.2 b.k b 10.200.0.0/24\n").hosts.size(), 2U);
}

TEST(MachinesTxt, ManyErrorsAreCapped) {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "x\n";
    const auto list = errors(text);
    ASSERT_EQ(list.size(), 100U);
    EXPECT_EQ(list.back(), "m:100:2 too-many-errors");
}

TEST(MachinesTxt, AnyBytesGiveAnInventoryOrErrorsAndNeverControlBytes) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        const auto parsed = parse_machines_txt(bytes, "m");
        if (parsed) RC_ASSERT(validate(*parsed).has_value());
        if (!parsed)
            for (const auto& e : parsed.error().errors)
                for (const char c : e.text) RC_ASSERT(c >= 0x20 && c != 0x7f);
    }));
}

}  // namespace
}  // namespace podroute
