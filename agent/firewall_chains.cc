// nf_tables by netlink (nfnetlink subsystem NFTABLES).
#include "agent/firewall_chains.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cerrno>

#include "agent/netlink.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxChains = 1024;

std::string family_name(std::uint8_t family) {
    switch (family) {
        case NFPROTO_INET:
            return "inet";
        case NFPROTO_IPV4:
            return "ip";
        case NFPROTO_IPV6:
            return "ip6";
        case NFPROTO_NETDEV:
            return "netdev";
        case NFPROTO_BRIDGE:
            return "bridge";
        default:
            return {};
    }
}

std::string hook_name(std::uint8_t family, std::uint32_t hook) {
    static constexpr std::array<const char*, 6> kHooks{"prerouting", "input",       "forward",
                                                       "output",     "postrouting", "ingress"};
    static constexpr std::array<const char*, 2> kDeviceHooks{"ingress", "egress"};  // NF_NETDEV_*
    if (family == NFPROTO_NETDEV) return hook < kDeviceHooks.size() ? kDeviceHooks.at(hook) : "";
    return hook < kHooks.size() ? kHooks.at(hook) : "";
}

std::uint32_t big_endian(const nlattr* a, std::uint32_t fallback) {
    return a == nullptr ? fallback : ntohl(u32_of(a));
}

void add_chain(const nlmsghdr& header, std::vector<FilterChain>& into) {
    const auto a = attributes<NFTA_CHAIN_MAX + 1>(header, sizeof(nfgenmsg));
    if (a[NFTA_CHAIN_HOOK] == nullptr || into.size() >= kMaxChains) return;
    const std::uint8_t family = static_cast<const nfgenmsg*>(nlmsg_data(&header))->nfgen_family;
    Attributes<NFTA_HOOK_MAX + 1> hook;
    nla_parse_nested(hook.at.data(), NFTA_HOOK_MAX, a[NFTA_CHAIN_HOOK], nullptr);
    const std::string name = family_name(family);
    if (name.empty()) return;
    FilterChain chain;
    chain.table = name + " " + string_of(a[NFTA_CHAIN_TABLE]);
    chain.name = string_of(a[NFTA_CHAIN_NAME]);
    chain.type = string_of(a[NFTA_CHAIN_TYPE]) + " hook " +
                 hook_name(family, big_endian(hook[NFTA_HOOK_HOOKNUM], NF_INET_NUMHOOKS));
    chain.drops = big_endian(a[NFTA_CHAIN_POLICY], NF_ACCEPT) == NF_DROP;
    // Nothing jumps to a base chain, so that its references are its rules.
    chain.rules = big_endian(a[NFTA_CHAIN_USE], 0);
    if (chain.drops || chain.rules > 0) into.push_back(std::move(chain));
}

}  // namespace

Result<std::vector<FilterChain>> nft_chains() {
    auto netlink = Netlink::open(NETLINK_NETFILTER);
    if (!netlink) return tl::unexpected(netlink.error());
    std::vector<FilterChain> chains;
    const auto make = [] {
        nfgenmsg head{};
        head.nfgen_family = NFPROTO_UNSPEC;
        head.version = NFNETLINK_V0;
        return make_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, head);
    };
    const auto done = netlink->dump(
        make, [&](const nlmsghdr& h) { add_chain(h, chains); }, [&] { chains.clear(); });
    // nfnetlink without nf_tables: a kernel that has none holds no chains there.
    if (!done && done.error().code == "errno-" + std::to_string(EINVAL)) return std::vector<FilterChain>{};
    if (!done) return tl::unexpected(done.error());
    return chains;
}

}  // namespace podroute::agent
