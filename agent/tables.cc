// Netlink dumps of links, addresses, rules and neighbours.
#include "agent/tables.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>

#include "agent/nexthops.h"

namespace podroute::agent {
namespace {

std::string mac_text(const nlattr* a) {
    if (a == nullptr || nla_len(a) != 6) return {};
    const auto* b = static_cast<const unsigned char*>(nla_data(a));
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    for (int i = 0; i < 6; ++i) {
        if (i != 0) out += ':';
        out += kHex[b[i] >> 4];
        out += kHex[b[i] & 15];
    }
    return out;
}

Link parse_link(const nlmsghdr& h) {
    const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(&h));
    const auto a = attributes<IFLA_MAX + 1>(h, sizeof *info);
    Link link;
    link.index = static_cast<std::uint32_t>(info->ifi_index);
    link.flags = info->ifi_flags;
    link.name = string_of(a[IFLA_IFNAME]);
    link.mtu = u32_of(a[IFLA_MTU]);
    link.mac = mac_text(a[IFLA_ADDRESS]);
    link.master = u32_of(a[IFLA_MASTER]);
    link.operstate = a[IFLA_OPERSTATE] != nullptr ? nla_get_u8(a[IFLA_OPERSTATE]) : std::uint8_t{0};
    constexpr unsigned kLowerUp = 0x10000;  // IFF_LOWER_UP
    link.carrier = (info->ifi_flags & kLowerUp) != 0;
    if (a[IFLA_LINKINFO] != nullptr) {
        std::array<nlattr*, IFLA_INFO_MAX + 1> nested{};
        nla_parse_nested(nested.data(), IFLA_INFO_MAX, a[IFLA_LINKINFO], nullptr);
        link.kind = string_of(nested[IFLA_INFO_KIND]);
    }
    if (a[IFLA_XDP] != nullptr) {
        std::array<nlattr*, IFLA_XDP_MAX + 1> nested{};
        nla_parse_nested(nested.data(), IFLA_XDP_MAX, a[IFLA_XDP], nullptr);
        link.xdp = nested[IFLA_XDP_ATTACHED] != nullptr && nla_get_u8(nested[IFLA_XDP_ATTACHED]) != 0;
    }
    return link;
}

Rule parse_rule(const nlmsghdr& h) {
    const auto* head = static_cast<const fib_rule_hdr*>(nlmsg_data(&h));
    // Selectors newer than this header: a rule that seemed to lack them would match everything.
    constexpr std::size_t kDscp = 25, kFlowLabel = 26, kLast = 31;
    const auto a = attributes<kLast + 1>(h, sizeof *head);
    static_assert(FRA_MAX <= kLast);
    Rule rule;
    rule.family = head->family == AF_INET ? Family::v4 : Family::v6;
    rule.priority = u32_of(a[FRA_PRIORITY]);
    rule.action = head->action;
    rule.table = u32_of(a[FRA_TABLE], head->table);
    rule.goto_priority = u32_of(a[FRA_GOTO]);
    rule.invert = (head->flags & FIB_RULE_INVERT) != 0;
    if (const auto source = address_of(a[FRA_SRC])) rule.source = Prefix(*source, head->src_len);
    if (const auto destination = address_of(a[FRA_DST]))
        rule.destination = Prefix(*destination, head->dst_len);
    rule.iif = string_of(a[FRA_IIFNAME]);
    rule.oif = string_of(a[FRA_OIFNAME]);
    rule.fwmark = u32_of(a[FRA_FWMARK]);
    rule.fwmask = u32_of(a[FRA_FWMASK]);
    rule.tos = head->tos;
    if (a[kDscp] != nullptr) rule.tos = static_cast<std::uint8_t>(nla_get_u8(a[kDscp]) << 2);
    rule.ip_proto = a[FRA_IP_PROTO] != nullptr ? nla_get_u8(a[FRA_IP_PROTO]) : std::uint8_t{0};
    if (a[FRA_SPORT_RANGE] != nullptr) {
        const auto* r = static_cast<const fib_rule_port_range*>(nla_data(a[FRA_SPORT_RANGE]));
        rule.source_port_from = r->start, rule.source_port_to = r->end;
    }
    if (a[FRA_DPORT_RANGE] != nullptr) {
        const auto* r = static_cast<const fib_rule_port_range*>(nla_data(a[FRA_DPORT_RANGE]));
        rule.destination_port_from = r->start, rule.destination_port_to = r->end;
    }
    // The kernel writes ~0 where nothing is suppressed.
    const std::uint32_t suppressed = u32_of(a[FRA_SUPPRESS_PREFIXLEN], ~std::uint32_t{0});
    if (suppressed != ~std::uint32_t{0}) rule.suppress_prefix_length = suppressed;
    if (a[FRA_UID_RANGE] != nullptr) {
        const auto* r = static_cast<const fib_rule_uid_range*>(nla_data(a[FRA_UID_RANGE]));
        rule.uid_from = r->start, rule.uid_to = r->end;
    }
    rule.l3mdev = a[FRA_L3MDEV] != nullptr && nla_get_u8(a[FRA_L3MDEV]) != 0;
    // Neither a tunnel id nor a flow label is ever on our packets.
    rule.tun_id = a[FRA_TUN_ID] != nullptr || a[kFlowLabel] != nullptr;
    return rule;
}

template <class T, class Header, class Parse>
Result<std::vector<T>> read_table(Netlink& netlink, int type, const std::vector<Header>& headers,
                                  Parse parse) {
    std::vector<T> all, part;
    for (const auto& header : headers) {
        auto done = netlink.dump([&] { return make_message(type, NLM_F_DUMP, header); },
                                 [&](const nlmsghdr& h) { parse(h, part); }, [&] { part.clear(); });
        if (!done) return tl::unexpected(done.error());
        all.insert(all.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
    }
    return all;
}

}  // namespace

Result<std::vector<Link>> read_links(Netlink& netlink) {
    return read_table<Link>(netlink, RTM_GETLINK, std::vector<ifinfomsg>(1),
                            [](const nlmsghdr& h, std::vector<Link>& out) {
                                if (h.nlmsg_type == RTM_NEWLINK) out.push_back(parse_link(h));
                            });
}

Result<std::vector<InterfaceAddress>> read_addresses(Netlink& netlink) {
    return read_table<InterfaceAddress>(
        netlink, RTM_GETADDR, std::vector<ifaddrmsg>(1),
        [](const nlmsghdr& h, std::vector<InterfaceAddress>& out) {
            const auto* head = static_cast<const ifaddrmsg*>(nlmsg_data(&h));
            const auto a = attributes<IFA_MAX + 1>(h, sizeof *head);
            // On a point-to-point link IFA_ADDRESS is the peer; the own address is IFA_LOCAL.
            const auto address = address_of(a[IFA_LOCAL] != nullptr ? a[IFA_LOCAL] : a[IFA_ADDRESS]);
            if (h.nlmsg_type != RTM_NEWADDR || !address) return;
            out.push_back({head->ifa_index, *address, head->ifa_prefixlen, head->ifa_scope,
                           u32_of(a[IFA_FLAGS], head->ifa_flags)});
        });
}

Result<std::vector<Route>> read_routes(Netlink& netlink, const std::function<bool(const Prefix&)>& wanted) {
    std::vector<rtmsg> headers(2);
    headers[0].rtm_family = AF_INET;
    headers[1].rtm_family = AF_INET6;
    auto parsed = read_table<ParsedRoute>(
        netlink, RTM_GETROUTE, headers, [&](const nlmsghdr& h, std::vector<ParsedRoute>& out) {
            if (h.nlmsg_type != RTM_NEWROUTE) return;
            auto one = parse_route(h);
            if ((one.route.flags & RTM_F_CLONED) == 0 && wanted(one.route.destination))
                out.push_back(std::move(one));
        });
    if (!parsed) return tl::unexpected(parsed.error());
    NextHopObjects objects(netlink);
    std::vector<Route> routes;
    routes.reserve(parsed->size());
    for (auto& [route, object] : *parsed) {
        if (object != 0) {
            auto legs = objects.legs(object);
            if (!legs) return tl::unexpected(legs.error());
            route.next_hops = std::move(*legs);
        }
        routes.push_back(std::move(route));
    }
    return routes;
}

Result<std::vector<Rule>> read_rules(Netlink& netlink) {
    std::vector<fib_rule_hdr> headers(2);
    headers[0].family = AF_INET;
    headers[1].family = AF_INET6;
    return read_table<Rule>(netlink, RTM_GETRULE, headers, [](const nlmsghdr& h, std::vector<Rule>& out) {
        if (h.nlmsg_type == RTM_NEWRULE) out.push_back(parse_rule(h));
    });
}

Result<Neighbours> read_neighbours(Netlink& netlink, const std::function<bool(const Address&)>& wanted) {
    struct Entry {
        Neighbour neighbour;
        bool uncounted = false;
    };
    auto dumped = read_table<Entry>(
        netlink, RTM_GETNEIGH, std::vector<ndmsg>(1), [&](const nlmsghdr& h, std::vector<Entry>& out) {
            const auto* head = static_cast<const ndmsg*>(nlmsg_data(&h));
            const auto a = attributes<NDA_MAX + 1>(h, sizeof *head);
            const auto address = address_of(a[NDA_DST]);
            if (h.nlmsg_type != RTM_NEWNEIGH || (head->ndm_flags & NTF_PROXY) != 0 || !address) return;
            const bool uncounted =
                (head->ndm_state & NUD_PERMANENT) != 0 || (head->ndm_flags & NTF_EXT_LEARNED) != 0;
            if (!uncounted && !wanted(*address)) return;
            const auto ifindex = static_cast<std::uint32_t>(head->ndm_ifindex);
            out.push_back({{*address, ifindex, mac_text(a[NDA_LLADDR]), head->ndm_state}, uncounted});
        });
    if (!dumped) return tl::unexpected(dumped.error());
    Neighbours found;
    for (auto& [neighbour, uncounted] : *dumped) {
        if (uncounted) ++(neighbour.address.is_v4() ? found.uncounted_v4 : found.uncounted_v6);
        if (wanted(neighbour.address)) found.wanted.push_back(std::move(neighbour));
    }
    return found;
}

}  // namespace podroute::agent
