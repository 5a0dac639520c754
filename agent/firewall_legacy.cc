// iptables-legacy by its own socket options (linux/netfilter_ipv4/ip_tables.h and that of IPv6).
// clang-format off: before the kernel's headers, which then leave its names out
#include <netinet/in.h>
// clang-format on

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "agent/files.h"
#include "agent/firewall_chains.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxTable = 8U << 20U;  // bytes

struct V4 {
    using Info = ipt_getinfo;
    using Entries = ipt_get_entries;
    using Entry = ipt_entry;
    static constexpr auto kNames = "/proc/net/ip_tables_names";
    static constexpr int kFamily = AF_INET, kLevel = IPPROTO_IP;
    static constexpr int kInfo = IPT_SO_GET_INFO, kEntries = IPT_SO_GET_ENTRIES;
    static constexpr std::string_view kWord = "ip ";
};
struct V6 {
    using Info = ip6t_getinfo;
    using Entries = ip6t_get_entries;
    using Entry = ip6t_entry;
    static constexpr auto kNames = "/proc/net/ip6_tables_names";
    static constexpr int kFamily = AF_INET6, kLevel = IPPROTO_IPV6;
    static constexpr int kInfo = IP6T_SO_GET_INFO, kEntries = IP6T_SO_GET_ENTRIES;
    static constexpr std::string_view kWord = "ip6 ";
};

struct HookName {
    unsigned hook;
    const char *chain, *name;
};
constexpr std::array kHooks{
    HookName{NF_INET_PRE_ROUTING, "PREROUTING", "prerouting"}, HookName{NF_INET_LOCAL_IN, "INPUT", "input"},
    HookName{NF_INET_FORWARD, "FORWARD", "forward"}, HookName{NF_INET_LOCAL_OUT, "OUTPUT", "output"},
    HookName{NF_INET_POST_ROUTING, "POSTROUTING", "postrouting"}};

tl::unexpected<Error> unreadable(const std::string& what) {
    return failure("unreadable", "iptables-legacy" + what + ": " + std::strerror(errno));
}

// A chain's policy is its last entry, whose target holds -1 - NF_DROP or -1 - NF_ACCEPT.
template <class Version>
bool policy_drops(const std::vector<char>& bytes, std::size_t at) {
    typename Version::Entry entry{};
    if (at + sizeof entry > bytes.size()) return false;
    std::memcpy(&entry, &bytes[at], sizeof entry);
    const std::size_t verdict_at = at + entry.target_offset + sizeof(xt_entry_target);
    int verdict = 0;
    if (verdict_at + sizeof verdict > bytes.size()) return false;
    std::memcpy(&verdict, &bytes[verdict_at], sizeof verdict);
    return verdict == -1 - NF_DROP;
}

template <class Version>
Result<void> add_table(int fd, const std::string& name, std::vector<FilterChain>& into) {
    typename Version::Info info{};
    std::strncpy(info.name, name.c_str(), sizeof info.name - 1);
    socklen_t size = sizeof info;
    if (getsockopt(fd, Version::kLevel, Version::kInfo, &info, &size) != 0)
        return unreadable(", table " + name);
    if (info.size > kMaxTable) return failure("unreadable", "iptables-legacy, table " + name + ": too large");
    std::vector<char> bytes(sizeof(typename Version::Entries) + info.size);
    typename Version::Entries head{};
    std::strncpy(head.name, name.c_str(), sizeof head.name - 1);
    head.size = info.size;
    std::memcpy(bytes.data(), &head, sizeof head);
    size = static_cast<socklen_t>(bytes.size());
    if (getsockopt(fd, Version::kLevel, Version::kEntries, bytes.data(), &size) != 0)
        return unreadable(", table " + name);
    for (const auto& [hook, chain_name, hook_name] : kHooks) {
        if ((info.valid_hooks & 1U << hook) == 0) continue;
        FilterChain chain;
        chain.table = std::string(Version::kWord) + name + " (legacy)";
        chain.name = chain_name;
        chain.type = std::string(name == "nat" ? "nat" : "filter") + " hook " + hook_name;
        chain.drops = policy_drops<Version>(bytes, sizeof(typename Version::Entries) + info.underflow[hook]);
        chain.rules = info.hook_entry[hook] != info.underflow[hook] ? 1 : 0;
        if (chain.drops || chain.rules > 0) into.push_back(std::move(chain));
    }
    return {};
}

template <class Version>
Result<void> add_tables(std::vector<FilterChain>& into) {
    const auto names = read_file(Version::kNames, 4096);
    if (!names && names.error().code == "absent") return {};
    if (!names) return tl::unexpected(names.error());
    if (names->empty()) return {};
    const int fd = socket(Version::kFamily, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0) return unreadable("");
    Result<void> result;
    for (std::string_view rest = *names; !rest.empty() && result;) {
        const std::string name(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        result = add_table<Version>(fd, name, into);
    }
    close(fd);
    return result;
}

}  // namespace

Result<std::vector<FilterChain>> legacy_chains() {
    std::vector<FilterChain> chains;
    if (auto done = add_tables<V4>(chains); !done) return tl::unexpected(done.error());
    if (auto done = add_tables<V6>(chains); !done) return tl::unexpected(done.error());
    return chains;
}

}  // namespace podroute::agent
