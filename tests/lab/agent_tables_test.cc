// The agent's facts against what ip(8) says of the same tables.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <functional>
#include <set>
#include <tuple>

#include "tests/lab/agent_lab.h"

namespace podroute {
namespace {

using Lines = std::multiset<std::string>;

// Uplink with node addresses, and a bridge of pods; links exist but nobody is at their other ends.
void small_host() {
    run("ip link add eth0 address 02:00:00:00:00:20 type veth peer name far0");
    run("ip link set far0 up; ip link set eth0 mtu 1400 up");
    run("ip addr add 10.240.0.20/24 dev eth0");
    run("ip addr add fd00:240::20/64 dev eth0 nodad");
    run("ip link add cnio0 type bridge; ip link set cnio0 up; ip addr add 10.200.0.1/24 dev cnio0");
}

std::string text_of(const json& j, const char* key, const std::string& otherwise = "") {
    const auto at = j.find(key);
    if (at == j.end()) return otherwise;
    return at->is_string() ? at->get<std::string>() : at->dump();
}

// One line a route, equal for both sides: type, destination, table, metric, legs.
std::string leg(const std::string& gateway, const std::string& device, unsigned weight) {
    return " [" + gateway + " " + device + " " + std::to_string(weight) + "]";
}

constexpr std::array kTypes{"unspec",    "unicast",     "local",    "broadcast", "anycast", "multicast",
                            "blackhole", "unreachable", "prohibit", "throw",     "nat",     "xresolve"};

std::string table_name(std::uint32_t table) {
    if (table == kTableMain) return "main";
    if (table == kTableLocal) return "local";
    if (table == kTableDefault) return "default";
    return std::to_string(table);
}

std::string line_of(const Route& r, const HostFacts& facts) {
    std::string out = kTypes.at(static_cast<std::size_t>(r.type));
    out += " " + r.destination.to_string() + " " + table_name(r.table) + " " + std::to_string(r.metric);
    std::vector<std::string> legs;
    for (const auto& hop : r.next_hops) {
        std::string device;
        for (const auto& link : *facts.links)
            if (link.index == hop.ifindex) device = link.name;
        legs.push_back(leg(hop.gateway ? hop.gateway->to_string() : "-", device, hop.weight));
    }
    std::sort(legs.begin(), legs.end());
    for (const auto& l : legs) out += l;
    return out;
}

std::string gateway_of(const json& j) {
    if (j.contains("via")) return j["via"]["host"].get<std::string>();
    return text_of(j, "gateway", "-");
}

std::string line_of(const json& r, const std::string& any) {
    const auto type = text_of(r, "type", "unicast");
    auto destination = text_of(r, "dst");
    if (destination == "default") destination = any;
    if (destination.find('/') == std::string::npos)
        destination += destination.find(':') == std::string::npos ? "/32" : "/128";
    std::string out =
        type + " " + destination + " " + text_of(r, "table", "main") + " " + text_of(r, "metric", "0");
    std::vector<std::string> legs;
    if (r.contains("nexthops"))
        for (const auto& hop : r["nexthops"])
            legs.push_back(leg(gateway_of(hop), text_of(hop, "dev"), hop["weight"].get<unsigned>()));
    else if (r.contains("dev") && type != "blackhole" && type != "unreachable" && type != "prohibit")
        legs.push_back(leg(gateway_of(r), text_of(r, "dev"), 1));
    std::sort(legs.begin(), legs.end());
    for (const auto& l : legs) out += l;
    return out;
}

// The routes ip(8) shows whose destination `keep` names.
Lines routes_of_ip(const std::function<bool(const std::string&)>& keep) {
    Lines lines;
    for (const auto& [option, any] : {std::pair{"-4", "0.0.0.0/0"}, std::pair{"-6", "::/0"}})
        for (const auto& r : run_json(std::string("ip -j -d ") + option + " route show table all"))
            if (keep(text_of(r, "dst"))) lines.insert(line_of(r, any));
    return lines;
}

Lines routes_of(const HostFacts& facts) {
    Lines lines;
    for (const auto& r : *facts.routes) lines.insert(line_of(r, facts));
    return lines;
}

bool bears(const std::string& destination) {
    if (destination == "10.240.0.255") return false;  // the uplink's broadcast address is nobody's
    return destination == "default" || destination.rfind("10.2", 0) == 0 ||
           destination.rfind("fd00:2", 0) == 0;
}

class AgentTables : public AgentLab {
  protected:
    void SetUp() override {
        AgentLab::SetUp();
        if (!HasFatalFailure()) small_host();
    }
};

TEST_F(AgentTables, RoutesOfAllTablesAndTypesAreThoseOfIp) {
    run("ip route add 10.200.1.0/24 via 10.240.0.21");
    run("ip route add 10.200.1.0/25 via 10.240.0.22 metric 7 table 100");
    run("ip route add default via 10.240.0.1");
    run("ip route add blackhole 10.200.1.128/26");
    run("ip route add unreachable 10.200.1.192/27 table 4000000");
    run("ip route add prohibit 10.200.1.224/28");
    run("ip route add throw 10.200.1.240/29 table 100");
    run("ip route add 10.200.0.0/16 nexthop via 10.240.0.21 weight 3 nexthop via 10.240.0.22 weight 1");
    run("ip route add 10.200.1.16/28 via inet6 fd00:240::21 dev eth0");
    run("ip -6 route add fd00:200:0:1::/64 via fd00:240::21");
    run("ip -6 route add fd00:200:0:1:8000::/65 nexthop via fd00:240::21 weight 2 nexthop via fd00:240::22");
    run("ip -6 route add blackhole fd00:200:0:1:4000::/66 metric 9");
    run("ip -6 route add default via fd00:240::1 table 100");
    const auto facts = gather(tutorial());
    ASSERT_TRUE(facts.routes.known());
    EXPECT_EQ(routes_of(facts), routes_of_ip(bears));
    EXPECT_GE(facts.routes->size(), 18U);
    for (const auto& r : *facts.routes)
        EXPECT_EQ(r.next_hops.empty(), r.type == RouteType::blackhole || r.type == RouteType::unreachable ||
                                           r.type == RouteType::prohibit || r.type == RouteType::throw_)
            << r.destination.to_string();
}

TEST_F(AgentTables, ForeignRoutesAreLeftOutAndManyRoutesAreRead) {
    const std::string name = testing::TempDir() + "routes-" + std::to_string(getpid());
    std::ofstream file(name);
    for (int i = 0; i < 5000; ++i)
        file << "route add 172." << 16 + i / 4096 << "." << i / 16 % 256 << "." << i % 16 * 16
             << "/28 via 10.240.0.1\n";
    for (int i = 0; i < 256; ++i) file << "route add 10.200.1." << i << "/32 via 10.240.0.21\n";
    file.close();
    run("ip -batch " + name);
    std::remove(name.c_str());
    const auto facts = gather(tutorial());
    ASSERT_TRUE(facts.routes.known());
    EXPECT_EQ(std::count_if(facts.routes->begin(), facts.routes->end(),
                            [](const Route& r) { return net("10.200.1.0/24").contains(r.destination); }),
              256);
    EXPECT_EQ(routes_of(facts), routes_of_ip(bears));
}

TEST_F(AgentTables, RoutesThatNameNextHopObjectsShowTheirLegs) {
    run("ip nexthop add id 1 via 10.240.0.21 dev eth0; ip nexthop add id 2 via 10.240.0.22 dev eth0");
    run("ip nexthop add id 3 group 1,5/2; ip nexthop add id 6 via fd00:240::21 dev eth0; ip nexthop add id 9 "
        "blackhole");
    run("ip route add 10.200.1.0/25 nhid 1; ip route add 10.200.1.128/25 nhid 3; ip route add 10.200.2.0/24 "
        "nhid 9");
    run("ip -6 route add fd00:200:0:1::/64 nhid 6");
    auto request = tutorial();
    request.pod_cidrs.push_back(net("10.200.2.0/24"));
    const auto shown = gather(request);
    run("echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode");
    const auto hidden = gather(request);
    ASSERT_TRUE(shown.routes.known() && hidden.routes.known());
    EXPECT_EQ(routes_of(hidden), routes_of(shown));
    EXPECT_TRUE(routes_of(hidden).contains(
        "unicast 10.200.1.128/25 main 0 [10.240.0.21 eth0 5] [10.240.0.22 eth0 1]"));
    const auto legs = [](const HostFacts& facts) {
        std::size_t n = 0;
        for (const auto& a : *facts.fib) n += a.next_hops.size();
        return n;
    };
    EXPECT_EQ(legs(hidden), legs(shown));
}

TEST_F(AgentTables, RulesAreThoseOfIp) {
    run("ip rule add priority 100 from 10.200.0.0/24 to 10.200.1.0/24 iif cnio0 lookup 100");
    run("ip rule add priority 101 fwmark 0x10/0xf0 lookup 4000000");
    run("ip rule add priority 102 ipproto tcp dport 6443 lookup 100");
    run("ip rule add priority 103 not from 10.0.0.0/8 oif eth0 blackhole");
    run("ip rule add priority 104 lookup main suppress_prefixlength 0");
    run("ip rule add priority 105 uidrange 10-20 goto 32766");
    run("ip -6 rule add priority 106 from fd00:200::/64 prohibit");
    run("for i in $(seq 1000 1299); do echo rule add priority $i fwmark 7 lookup 200; done | ip -batch -");
    const auto facts = gather(tutorial());
    ASSERT_TRUE(facts.rules.known());
    Lines ours, theirs;
    for (const auto& r : *facts.rules)
        ours.insert(std::to_string(r.priority) + " " + (r.source ? r.source->network().to_string() : "all") +
                    " " + (r.destination ? r.destination->network().to_string() : "all") + " " + r.iif +
                    r.oif + " " + (r.action == 1 ? table_name(r.table) : ""));
    for (const auto* option : {"-4", "-6"})
        for (const auto& r : run_json(std::string("ip -j ") + option + " rule"))
            theirs.insert(text_of(r, "priority") + " " + text_of(r, "src", "all") + " " +
                          text_of(r, "dst", "all") + " " + text_of(r, "iif") + text_of(r, "oif") + " " +
                          text_of(r, "table"));
    EXPECT_EQ(ours, theirs);
    const auto at = [&](std::uint32_t priority) {
        return *std::find_if(facts.rules->begin(), facts.rules->end(),
                             [&](const Rule& r) { return r.priority == priority; });
    };
    EXPECT_EQ(at(101).fwmark, 0x10U);
    EXPECT_EQ(at(101).fwmask, 0xf0U);
    EXPECT_EQ(at(102).ip_proto, 6);
    EXPECT_EQ(at(102).destination_port_from, 6443);
    EXPECT_EQ(at(102).destination_port_to, 6443);
    EXPECT_TRUE(at(103).invert);
    EXPECT_EQ(at(103).action, 6);
    EXPECT_EQ(at(104).suppress_prefix_length, 0U);
    EXPECT_FALSE(at(102).suppress_prefix_length.has_value());
    EXPECT_EQ(at(105).goto_priority, 32766U);
    EXPECT_EQ(at(105).uid_from, 10U);
    EXPECT_EQ(at(106).action, 8);
    EXPECT_EQ(at(106).family, Family::v6);
}

TEST_F(AgentTables, NeighboursOfNodesAndNextHopsOnly) {
    run("ip route add 10.200.1.0/24 via 10.240.0.99");
    run("ip neigh add 10.240.0.21 lladdr 02:00:00:00:00:21 dev eth0 nud permanent");
    run("ip neigh add 10.240.0.99 lladdr 02:00:00:00:00:99 dev eth0 nud stale");
    run("ip neigh add 10.240.0.50 lladdr 02:00:00:00:00:50 dev eth0 nud permanent");
    run("ip -6 neigh add fd00:240::21 lladdr 02:00:00:00:00:21 dev eth0 nud permanent");
    run("ip neigh add proxy 10.240.0.10 dev eth0");
    const auto facts = gather(tutorial());
    ASSERT_TRUE(facts.neighbours.known());
    Lines found;
    for (const auto& n : *facts.neighbours)
        found.insert(n.address.to_string() + " " + n.mac + " " + std::to_string(n.state));
    EXPECT_EQ(found, (Lines{"10.240.0.21 02:00:00:00:00:21 128", "10.240.0.99 02:00:00:00:00:99 4",
                            "fd00:240::21 02:00:00:00:00:21 128"}));
}

TEST_F(AgentTables, LinksAndAddressesAreThoseOfIp) {
    run("ip link set far0 master cnio0; ip link add down0 type veth peer name down1");
    run("ip addr add 192.168.7.1 peer 192.168.7.2/32 dev eth0");
    const auto facts = gather(tutorial());
    ASSERT_TRUE(facts.links.known() && facts.addresses.known());
    Lines ours, theirs;
    const auto name = [&](std::uint32_t index) {
        for (const auto& l : *facts.links)
            if (l.index == index) return l.name;
        return std::string();
    };
    for (const auto& l : *facts.links)
        ours.insert(l.name + " " + std::to_string(l.index) + " " + std::to_string(l.mtu) + " " + l.mac + " " +
                    l.kind + " " + name(l.master) + (l.admin_up() ? " UP" : "") +
                    (l.carrier ? " LOWER_UP" : ""));
    const auto shown = run_json("ip -j -d addr");
    for (const auto& l : shown) {
        const std::set<std::string> flags(l["flags"].begin(), l["flags"].end());
        theirs.insert(text_of(l, "ifname") + " " + text_of(l, "ifindex") + " " + text_of(l, "mtu") + " " +
                      text_of(l, "address") + " " +
                      (l.contains("linkinfo") ? text_of(l["linkinfo"], "info_kind") : "") + " " +
                      text_of(l, "master") + (flags.contains("UP") ? " UP" : "") +
                      (flags.contains("LOWER_UP") ? " LOWER_UP" : ""));
    }
    EXPECT_EQ(ours, theirs);
    Lines addresses, wanted;
    for (const auto& a : *facts.addresses)
        addresses.insert(name(a.ifindex) + " " + a.address.to_string() + "/" +
                         std::to_string(a.prefix_length));
    for (const auto& l : shown)
        for (const auto& a : l["addr_info"])
            wanted.insert(text_of(l, "ifname") + " " + text_of(a, "local") + "/" + text_of(a, "prefixlen"));
    EXPECT_EQ(addresses, wanted);
}

TEST_F(AgentTables, SysctlsOfTheLinksThatMatterOnly) {
    run("for i in $(seq 80); do echo link add va$i type veth peer name vb$i; echo link set va$i up; "
        "echo link set vb$i up; done | ip -batch -");
    run("ip link add eth0.dot type bridge; echo 1 >/proc/sys/net/ipv4/conf/eth0.dot/forwarding");
    run("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter");
    const auto facts = gather(tutorial());
    std::set<std::string> links;
    for (const auto& [name, value] : facts.sysctls) {
        ASSERT_TRUE(value.known()) << name;
        std::ifstream file("/proc/sys/net/" + name);
        std::string line;
        std::getline(file, line);
        EXPECT_EQ(*value, line) << name;
        if (name.find("/conf/") != std::string::npos)
            links.insert(name.substr(name.find("/conf/") + 6, name.rfind('/') - name.find("/conf/") - 6));
    }
    EXPECT_EQ(links, (std::set<std::string>{"all", "default", "eth0", "cnio0", "eth0.dot"}));
    EXPECT_EQ(*facts.sysctls.at("ipv4/ip_forward"), "1");
    EXPECT_EQ(*facts.sysctls.at("ipv4/conf/eth0/rp_filter"), "2");
    for (const auto* name :
         {"ipv4/fib_multipath_hash_policy", "ipv4/conf/all/arp_ignore", "ipv4/conf/eth0/accept_local",
          "ipv4/conf/cnio0/src_valid_mark", "ipv4/conf/eth0/ignore_routes_with_linkdown",
          "ipv6/conf/eth0/accept_ra", "ipv6/conf/default/disable_ipv6", "ipv6/conf/all/forwarding"})
        EXPECT_TRUE(facts.sysctls.contains(name)) << name;
    EXPECT_FALSE(facts.sysctls.contains("ipv4/conf/eth0/no_such_sysctl"));
}

// Turning forwarding on overwrites these, whatever the link is for.
TEST_F(AgentTables, WhereForwardingIsOffEveryLinksSettingIsRead) {
    run("ip link add other type veth peer name rehto; echo 0 >/proc/sys/net/ipv4/ip_forward");
    run("echo 1 >/proc/sys/net/ipv4/conf/other/forwarding; echo 0 "
        ">/proc/sys/net/ipv4/conf/rehto/accept_redirects");
    const auto facts = gather(tutorial());
    EXPECT_EQ(*facts.sysctls.at("ipv4/conf/other/forwarding"), "1");
    EXPECT_EQ(*facts.sysctls.at("ipv4/conf/rehto/forwarding"), "0");
    EXPECT_EQ(*facts.sysctls.at("ipv4/conf/rehto/accept_redirects"), "0");
    for (const auto* link : {"all", "default", "lo", "eth0"})
        EXPECT_TRUE(facts.sysctls.contains("ipv4/conf/" + std::string(link) + "/accept_redirects")) << link;
    EXPECT_FALSE(facts.sysctls.contains("ipv6/conf/rehto/forwarding")) << "there are no IPv6 pods";
    EXPECT_TRUE(facts.nameservers.known()) << facts.nameservers.unknown().why;
}

TEST_F(AgentTables, FirewallsOfBothKindsAreToldApart) {
    const auto rules = [&] {
        const auto facts = gather(tutorial()).firewall;
        return std::pair(facts->legacy_rules, facts->nft_rules);
    };
    EXPECT_EQ(*gather(tutorial()).firewall, FirewallFacts{});
    run("iptables-nft -A FORWARD -j ACCEPT");
    EXPECT_EQ(rules(), std::pair(false, true));
    run("iptables-nft -D FORWARD -j ACCEPT");  // the table stays, without a rule
    const std::string lock = testing::TempDir() + "xtables-" + std::to_string(getpid());
    run("XTABLES_LOCKFILE=" + lock + " iptables-legacy -L");
    EXPECT_EQ(*gather(tutorial()).firewall, FirewallFacts{});
    run("XTABLES_LOCKFILE=" + lock + " iptables-legacy -t nat -A POSTROUTING -j ACCEPT");
    EXPECT_EQ(rules(), std::pair(true, false));
    std::remove(lock.c_str());
}

// Base chains that have rules or a policy of drop, of every family and of both kinds of tables.
TEST_F(AgentTables, ChainsThatMayDropAreRead) {
    run("nft 'table inet a { chain f { type filter hook forward priority 0; policy drop; }; chain i { type "
        "filter hook input priority 0; policy drop; }; chain e { type filter hook prerouting priority 0; }; "
        "chain c { drop; }; }'");
    run("nft 'table bridge b { chain o { type filter hook output priority 0; meta mark 1 drop; meta mark 2 "
        "drop; }; }'");
    run("nft 'table netdev d { chain g { type filter hook ingress device \"eth0\" priority 0; meta mark 1 "
        "drop; }; }'");
    run("nft 'table ip n { chain p { type nat hook postrouting priority 100; masquerade; }; }'");
    const std::string file = testing::TempDir() + "xtables-" + std::to_string(getpid());
    const std::string lock = "XTABLES_LOCKFILE=" + file;
    run(lock + " iptables-legacy -P FORWARD DROP; " + lock + " ip6tables-legacy -A FORWARD -j DROP; " + lock +
        " iptables-legacy -t mangle -A PREROUTING -j ACCEPT");
    auto chains = gather(tutorial()).firewall->chains;
    std::sort(chains.begin(), chains.end(), [](const FilterChain& a, const FilterChain& b) {
        return std::tie(a.table, a.name) < std::tie(b.table, b.name);
    });
    EXPECT_EQ(chains, (std::vector<FilterChain>{
                          {"bridge b", "o", "filter hook output", false, 2},
                          {"inet a", "f", "filter hook forward", true, 0},
                          {"inet a", "i", "filter hook input", true, 0},
                          {"ip filter (legacy)", "FORWARD", "filter hook forward", true, 0},
                          {"ip mangle (legacy)", "PREROUTING", "filter hook prerouting", false, 1},
                          {"ip n", "p", "nat hook postrouting", false, 1},
                          {"ip6 filter (legacy)", "FORWARD", "filter hook forward", false, 1},
                          {"netdev d", "g", "filter hook ingress", false, 1}}));
    std::remove(file.c_str());
}

}  // namespace
}  // namespace podroute
