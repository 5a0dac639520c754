// iptables-legacy by its own socket option, iptables-nft by the tables it keeps in nf_tables.
#include "agent/firewall.h"

// clang-format off: before the kernel's headers, which then leave its names out
#include <netinet/in.h>
// clang-format on

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "agent/files.h"
#include "agent/firewall_chains.h"
#include "agent/netlink.h"

namespace podroute::agent {
namespace {

// Entries of a legacy table that holds no rule: one a hook for its policy, and the error target at the end.
struct LegacyTable {
    const char* name;
    unsigned empty_entries;
};
constexpr std::array kLegacy{LegacyTable{"filter", 4}, LegacyTable{"nat", 5}, LegacyTable{"mangle", 6},
                             LegacyTable{"raw", 3}, LegacyTable{"security", 4}};

Result<bool> legacy_rules() {
    const auto names = read_file("/proc/net/ip_tables_names", 4096);
    if (!names) {
        if (names.error().code == "absent") return false;
        return tl::unexpected(names.error());
    }
    const int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0) return failure("unreadable", std::string("iptables-legacy: ") + std::strerror(errno));
    bool found = false;
    for (std::string_view rest = *names; !rest.empty();) {
        const std::string name(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        const auto table = std::find_if(kLegacy.begin(), kLegacy.end(),
                                        [&](const LegacyTable& t) { return name == t.name; });
        if (table == kLegacy.end()) continue;
        ipt_getinfo info{};
        std::strncpy(info.name, table->name, sizeof info.name - 1);
        socklen_t size = sizeof info;
        // Only tables that are listed are asked for: asking for another would create it.
        if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &size) != 0) {
            auto error =
                failure("unreadable", "iptables-legacy, table " + name + ": " + std::strerror(errno));
            close(fd);
            return error;
        }
        found |= info.num_entries > table->empty_entries;
    }
    close(fd);
    return found;
}

Result<bool> nft_rules() {
    auto netlink = Netlink::open(NETLINK_NETFILTER);
    if (!netlink) return tl::unexpected(netlink.error());
    bool found = false;
    const auto make = [] {
        nfgenmsg head{};
        head.nfgen_family = AF_INET;
        head.version = NFNETLINK_V0;
        return make_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP, head);
    };
    const auto done = netlink->dump(
        make,
        [&](const nlmsghdr& h) {
            const auto a = attributes<NFTA_RULE_MAX + 1>(h, sizeof(nfgenmsg));
            const auto table = string_of(a[NFTA_RULE_TABLE]);
            // The names that iptables-nft gives its tables.
            found |= std::any_of(kLegacy.begin(), kLegacy.end(),
                                 [&](const LegacyTable& t) { return table == t.name; });
        },
        [&] { found = false; });
    // nfnetlink without nf_tables: a kernel that has none holds no rules there.
    if (!done && done.error().code == "errno-" + std::to_string(EINVAL)) return false;
    if (!done) return tl::unexpected(done.error());
    return found;
}

}  // namespace

Observed<FirewallFacts> read_firewall() {
    const auto legacy = legacy_rules();
    if (!legacy) return Unknown{legacy.error().text, "", ""};
    const auto nft = nft_rules();
    if (!nft) return Unknown{"nf_tables: " + nft.error().text, "", ""};
    auto chains = legacy_chains();
    if (!chains) return Unknown{chains.error().text, "", ""};
    const auto more = nft_chains();
    if (!more) return Unknown{"nf_tables: " + more.error().text, "", ""};
    chains->insert(chains->end(), more->begin(), more->end());
    return FirewallFacts{*legacy, *nft, std::move(*chains)};
}

}  // namespace podroute::agent
