// podroute explain: pages, titles, and the messages that people paste.
#include <gtest/gtest.h>

#include <algorithm>

#include "checks/catalogue.h"

namespace podroute {
namespace {

bool leads_to(std::string_view message, std::string_view code) {
    const auto codes = match_message(message);
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

TEST(Catalogue, EveryPageSaysItsCodeTitleAndKind) {
    ASSERT_GT(catalogue().size(), 30U);
    for (const CatalogueEntry& entry : catalogue()) {
        const auto page = explain_page(entry.code);
        ASSERT_TRUE(page);
        EXPECT_TRUE(
            page->starts_with("# " + std::string(entry.code) + ": " + std::string(entry.title) + "\n"));
        EXPECT_FALSE(entry.title.empty());
        const bool cause = page->find("\nThis is a cause.") != std::string_view::npos;
        EXPECT_EQ(cause, entry.kind == CodeKind::cause) << entry.code;
        if (cause) {
            EXPECT_NE(page->find("## How to mend it"), std::string_view::npos) << entry.code;
        }
    }
}

TEST(Catalogue, PagesAreReadableInATerminal) {
    for (const CatalogueEntry& entry : catalogue()) {
        const std::string_view page = *explain_page(entry.code);
        for (std::size_t from = 0; from < page.size();) {
            const std::size_t end = std::min(page.find('\n', from), page.size());
            EXPECT_LE(end - from, 120U) << entry.code;
            from = end + 1;
        }
    }
}

TEST(Catalogue, KnowsTheCausesOfTheVocabulary) {
    for (const char* code :
         {"inventory-overlap",     "host-unreachable",   "ssh-auth-failed",     "ssh-host-key-unknown",
          "ssh-host-key-mismatch", "ssh-failed",         "agent-failed",        "address-missing",
          "address-duplicate",     "link-down",          "route-missing",       "route-partial",
          "route-shadowed",        "route-blackhole",    "route-wrong-gateway", "rule-diverted",
          "neighbour-wrong",       "gateway-unresolved", "pod-cidr-mismatch",   "forwarding-disabled",
          "rp-filter-drop",        "datapath-foreign",   "firewall-mixed",      "conntrack-full",
          "neighbour-table-full",  "routed-by-fabric",   "unexplained"})
        EXPECT_TRUE(explain_page(code)) << code;
    EXPECT_FALSE(explain_page("route-missing "));
    EXPECT_FALSE(explain_page(""));
}

TEST(Catalogue, PastedMessagesLeadToTheirCodes) {
    EXPECT_TRUE(leads_to("RTNETLINK answers: File exists", "route-shadowed"));
    EXPECT_TRUE(leads_to("connect: Network is unreachable", "route-missing"));
    EXPECT_TRUE(leads_to("ssh: connect to host 10.240.0.21 port 22: No route to host", "gateway-unresolved"));
    EXPECT_TRUE(leads_to("Host key verification failed.", "ssh-host-key-unknown"));
    EXPECT_TRUE(leads_to("Host key verification failed.", "ssh-host-key-mismatch"));
    EXPECT_TRUE(leads_to("root@node-0: Permission denied (publickey).", "ssh-auth-failed"));
    EXPECT_TRUE(leads_to("From 10.240.0.20 icmp_seq=1 Destination Host Unreachable", "gateway-unresolved"));
    EXPECT_TRUE(leads_to("From 10.240.0.20 icmp_seq=1 Time to live exceeded", "route-wrong-gateway"));
    EXPECT_TRUE(leads_to("Error: Nexthop has invalid gateway.", "gateway-unresolved"));
    EXPECT_TRUE(leads_to("error: nexthop has INVALID gateway", "route-wrong-gateway"));
    EXPECT_TRUE(leads_to("neighbour: arp_cache: neighbor table overflow!", "neighbour-table-full"));
    EXPECT_TRUE(leads_to("nf_conntrack: nf_conntrack: table full, dropping packet", "conntrack-full"));
    EXPECT_TRUE(match_message("segmentation fault").empty());
    EXPECT_TRUE(match_message("").empty());
}

TEST(Catalogue, MessagesLeadToPagesThatExist) {
    for (const char* message : {"file exists", "network is unreachable", "no route to host", "martian source",
                                "permission denied (", "connection reset by peer", "invalid argument"})
        for (const std::string_view code : match_message(message)) EXPECT_TRUE(explain_page(code)) << code;
}

}  // namespace
}  // namespace podroute
