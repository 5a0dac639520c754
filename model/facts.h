// What one host's kernel and files say, as the agent read it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/ip.h"
#include "model/observed.h"

namespace podroute {

struct Link {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;            // IFLA_INFO_KIND ("bridge", "veth"), empty for a physical device
    std::uint32_t flags = 0;     // IFF_* of linux/if.h
    std::uint32_t mtu = 0;       // bytes
    std::string mac;             // "aa:bb:cc:dd:ee:ff", empty where the link has none
    std::uint32_t master = 0;    // ifindex of the bridge or bond it is a port of, 0 for none
    std::uint8_t operstate = 0;  // RFC 2863 as in linux/if.h, 6 = up
    bool carrier = false;        // IFF_LOWER_UP
    bool xdp = false;            // an XDP program is attached

    bool admin_up() const { return (flags & 1U) != 0; }  // IFF_UP
    bool loopback() const { return (flags & 8U) != 0; }  // IFF_LOOPBACK
    bool operator==(const Link&) const = default;
};

struct InterfaceAddress {
    std::uint32_t ifindex = 0;
    Address address;
    std::uint8_t prefix_length = 0;  // bits
    std::uint8_t scope = 0;          // RT_SCOPE_*
    std::uint32_t flags = 0;         // IFA_F_*

    Prefix network() const { return {address, prefix_length}; }
    bool operator==(const InterfaceAddress&) const = default;
};

// RTN_* of linux/rtnetlink.h, same numbers.
enum class RouteType : std::uint8_t {
    unspec = 0,
    unicast,
    local,
    broadcast,
    anycast,
    multicast,
    blackhole,
    unreachable,
    prohibit,
    throw_,
    nat,
    xresolve
};

struct NextHop {
    std::optional<Address> gateway;  // RTA_GATEWAY or RTA_VIA; none: on-link
    std::uint32_t ifindex = 0;
    std::uint8_t flags = 0;    // RTNH_F_*: 1 dead, 4 onlink, 16 linkdown
    std::uint16_t weight = 1;  // 1..256

    bool dead() const { return (flags & 1U) != 0; }
    bool linkdown() const { return (flags & 16U) != 0; }
    bool operator==(const NextHop&) const = default;
};

inline constexpr std::uint32_t kTableDefault = 253;
inline constexpr std::uint32_t kTableMain = 254;
inline constexpr std::uint32_t kTableLocal = 255;

struct Route {
    Prefix destination;
    std::uint32_t table = kTableMain;
    RouteType type = RouteType::unicast;
    std::uint8_t protocol = 0;  // RTPROT_*
    std::uint8_t scope = 0;     // RT_SCOPE_*
    std::uint8_t tos = 0;
    std::uint32_t metric = 0;                 // RTA_PRIORITY
    std::uint32_t flags = 0;                  // rtm_flags
    std::optional<Prefix> source;             // IPv6 source-specific routes only
    std::optional<Address> preferred_source;  // RTA_PREFSRC
    std::vector<NextHop> next_hops;           // empty for blackhole and the like

    bool operator==(const Route&) const = default;
};

// A policy rule (ip-rule(8)). Selectors that are absent match everything.
struct Rule {
    Family family = Family::v4;
    std::uint32_t priority = 0;
    std::uint8_t action = 0;  // FR_ACT_*: 1 to_tbl, 2 goto, 3 nop, 6 blackhole, 7 unreachable, 8 prohibit
    std::uint32_t table = 0;
    std::uint32_t goto_priority = 0;
    bool invert = false;  // FIB_RULE_INVERT
    std::optional<Prefix> source, destination;
    std::string iif, oif;
    std::uint32_t fwmark = 0, fwmask = 0;
    std::uint8_t tos = 0;
    std::uint8_t ip_proto = 0;
    std::uint16_t source_port_from = 0, source_port_to = 0;            // 0,0: any
    std::uint16_t destination_port_from = 0, destination_port_to = 0;  // 0,0: any
    std::optional<std::uint32_t> suppress_prefix_length;  // routes this long or shorter are passed over
    std::optional<std::uint32_t> uid_from, uid_to;
    bool l3mdev = false;
    bool tun_id = false;  // matches a tunnel id; never true of our packets

    bool operator==(const Rule&) const = default;
};

struct Neighbour {
    Address address;
    std::uint32_t ifindex = 0;
    std::string mac;          // empty while unresolved
    std::uint16_t state = 0;  // NUD_*: 1 incomplete, 2 reachable, 4 stale, 8 delay, 16 probe, 32 failed, 64
                              // noarp, 128 permanent

    bool permanent() const { return (state & 128U) != 0; }
    bool operator==(const Neighbour&) const = default;
};

// One question to the kernel's FIB (RTM_GETROUTE) or to the user-space one. Without iif an output lookup
// (then no source may be given unless it is local), with iif that of a packet which came in there.
struct FibQuery {
    Address destination;
    std::optional<Address> source;
    std::string iif;  // interface name; empty: output lookup
    std::uint32_t mark = 0;
    std::uint8_t ip_proto = 0;
    std::uint16_t destination_port = 0;
    bool chosen = false;  // the one leg that the kernel takes for these addresses and ports, not every leg

    bool operator==(const FibQuery&) const = default;
    auto operator<=>(const FibQuery&) const = default;
};

struct FibAnswer {
    FibQuery query;
    int error = 0;  // errno the kernel answered with (ENETUNREACH ..), 0 for a route
    RouteType type = RouteType::unspec;
    std::uint32_t table = 0;         // IPv6 and IPv4 alike where the kernel says it, else 0
    std::optional<Prefix> matched;   // the route that matched (RTM_F_FIB_MATCH)
    std::vector<NextHop> next_hops;  // every leg

    bool operator==(const FibAnswer&) const = default;
};

// One network of one file in /etc/cni/net.d.
struct CniNetwork {
    std::string file;
    std::string name, type;            // "bridge", "bridge"
    std::string bridge;                // the bridge it names, empty if none
    std::vector<std::string> subnets;  // as written, also an unreplaced "SUBNET"
    bool ip_masq = false;

    bool operator==(const CniNetwork&) const = default;
};

struct CniConfig {
    std::vector<CniNetwork> networks;     // in the order of the file names
    std::string kubelet_pod_cidr;         // podCIDR of the kubelet config, as written; empty if none
    std::vector<std::string> unreadable;  // "FILE: why" of files that could not be understood

    bool operator==(const CniConfig&) const = default;
};

// A chain that the kernel enters by itself (nft(8): base chain; iptables(8): a built-in one).
struct FilterChain {
    std::string table;        // "inet filter", as nft names it; "ip filter (legacy)" of iptables-legacy
    std::string name;         // "forward"
    std::string type;         // and hook: "filter hook forward", as nft writes them; "nat hook postrouting"
    bool drops = false;       // its policy
    std::uint32_t rules = 0;  // of iptables-legacy 1 for any

    bool operator==(const FilterChain&) const = default;
};

struct FirewallFacts {
    bool legacy_rules = false;  // iptables-legacy tables hold rules
    bool nft_rules = false;     // iptables-nft tables (nf_tables) hold rules
    // Those with a rule or a policy of drop; of arp none.
    std::vector<FilterChain> chains{};

    bool operator==(const FirewallFacts&) const = default;
};

// What the machine's firmware says of itself (DMI, /sys/class/dmi/id). A cloud is known by it.
struct Firmware {
    std::string vendor;       // sys_vendor
    std::string product;      // product_name
    std::string chassis_tag;  // chassis_asset_tag

    bool operator==(const Firmware&) const = default;
};

// The kernel's neighbour table of one family, over all namespaces (/proc/net/stat/arp_cache, ndisc_cache).
struct NeighbourTable {
    std::uint64_t entries = 0;  // of all namespaces
    // Those of this namespace that do not count towards gc_thresh3 (neigh_alloc() of net/core/neighbour.c,
    // since Linux 5.0): permanent ones, and those that a program learned (NTF_EXT_LEARNED).
    std::uint64_t uncounted = 0;
    std::uint64_t table_fulls = 0;  // entries refused because the table was full, since the kernel started

    bool operator==(const NeighbourTable&) const = default;
};

struct HostFacts {
    std::string hostname;        // uname -n
    std::string kernel;          // uname -r
    std::string machine;         // uname -m
    std::uint32_t uid = 0;       // effective user of the agent
    std::int64_t clock_ms = 0;   // wall clock when read, ms since the epoch
    std::string ssh_connection;  // as the session saw it: client ip, port, server ip, port
    Observed<std::vector<Link>> links;
    Observed<std::vector<InterfaceAddress>> addresses;
    Observed<std::vector<Route>>
        routes;  // of all tables, those that bear on the inventory's prefixes, and defaults
    Observed<std::vector<Rule>> rules;
    Observed<std::vector<Neighbour>> neighbours;  // of next hops and node addresses
    // Under /proc/sys/net, keyed by what follows it ("ipv4/ip_forward", "ipv4/conf/eth0.5/forwarding"). A
    // name that does not exist on that kernel is absent.
    std::map<std::string, Observed<std::string>> sysctls;
    Observed<CniConfig> cni;
    Observed<FirewallFacts> firewall;
    Observed<std::vector<FibAnswer>> fib;
    Observed<std::vector<Address>> nameservers{};  // of /etc/resolv.conf, and those behind a local stub
    std::string login_user{};  // as whom the host was logged in to; empty: not told. The agent never says it
    Firmware firmware{};       // empty where the machine says nothing
    // Only the machine's first network namespace shows them.
    Observed<NeighbourTable> neighbour_table_v4{}, neighbour_table_v6{};

    bool operator==(const HostFacts&) const = default;
};

}  // namespace podroute
