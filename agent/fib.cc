// Route messages, and lookups.
#include "agent/fib.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>

#include "agent/nexthops.h"
#include "agent/tables.h"

namespace podroute::agent {
namespace {

// RTA_VIA carries a gateway of another family: u16 family, then the address.
std::optional<Address> via_of(const nlattr* a) {
    if (a == nullptr || nla_len(a) < 6) return std::nullopt;
    const auto* bytes = static_cast<const unsigned char*>(nla_data(a)) + 2;
    auto address = Address::from_bytes(bytes, static_cast<std::size_t>(nla_len(a)) - 2);
    return address ? std::optional(*address) : std::nullopt;
}

std::optional<Address> gateway_of(const nlattr* gateway, const nlattr* via) {
    return gateway != nullptr ? address_of(gateway) : via_of(via);
}

std::vector<NextHop> legs_of(const nlattr* multipath) {
    std::vector<NextHop> legs;
    int left = nla_len(multipath);
    for (auto* leg = static_cast<rtnexthop*>(nla_data(multipath)); RTNH_OK(leg, left);) {
        std::array<nlattr*, RTA_MAX + 1> a{};
        nla_parse(a.data(), RTA_MAX, reinterpret_cast<nlattr*>(RTNH_DATA(leg)),
                  leg->rtnh_len - static_cast<int>(sizeof *leg), nullptr);
        legs.push_back({gateway_of(a[RTA_GATEWAY], a[RTA_VIA]), static_cast<std::uint32_t>(leg->rtnh_ifindex),
                        leg->rtnh_flags, static_cast<std::uint16_t>(leg->rtnh_hops + 1)});
        left -= RTNH_ALIGN(leg->rtnh_len);
        leg = RTNH_NEXT(leg);
    }
    return legs;
}

bool forwards(RouteType type) {
    return type != RouteType::blackhole && type != RouteType::unreachable && type != RouteType::prohibit &&
           type != RouteType::throw_;
}

}  // namespace

ParsedRoute parse_route(const nlmsghdr& h) {
    const auto* head = static_cast<const rtmsg*>(nlmsg_data(&h));
    const auto a = attributes<RTA_MAX + 1>(h, sizeof *head);
    const Family family = head->rtm_family == AF_INET ? Family::v4 : Family::v6;
    Route route;
    route.destination =
        Prefix(address_of(a[RTA_DST]).value_or(Prefix::any(family).network()), head->rtm_dst_len);
    route.table = u32_of(a[RTA_TABLE], head->rtm_table);
    route.type = head->rtm_type <= static_cast<unsigned>(RouteType::xresolve)
                     ? static_cast<RouteType>(head->rtm_type)
                     : RouteType::unspec;
    route.protocol = head->rtm_protocol;
    route.scope = head->rtm_scope;
    route.tos = head->rtm_tos;
    route.metric = u32_of(a[RTA_PRIORITY]);
    route.flags = head->rtm_flags;
    if (const auto source = address_of(a[RTA_SRC]); source && head->rtm_src_len != 0)
        route.source = Prefix(*source, head->rtm_src_len);
    route.preferred_source = address_of(a[RTA_PREFSRC]);
    if (!forwards(route.type)) return {std::move(route), 0};  // IPv6 shows the loopback here
    if (a[RTA_MULTIPATH] != nullptr)
        route.next_hops = legs_of(a[RTA_MULTIPATH]);
    else if (a[RTA_OIF] != nullptr || a[RTA_GATEWAY] != nullptr || a[RTA_VIA] != nullptr)
        route.next_hops = {{gateway_of(a[RTA_GATEWAY], a[RTA_VIA]), u32_of(a[RTA_OIF]),
                            static_cast<std::uint8_t>(head->rtm_flags & 0xff), 1}};
    const std::uint32_t object = route.next_hops.empty() ? u32_of(a[RTA_NH_ID]) : 0;
    return {std::move(route), object};
}

FibAnswer lookup(Netlink& netlink, const FibQuery& query) {
    FibAnswer answer;
    answer.query = query;
    const auto& destination = query.destination;
    rtmsg head{};
    head.rtm_family = static_cast<unsigned char>(destination.is_v4() ? AF_INET : AF_INET6);
    head.rtm_dst_len = static_cast<unsigned char>(destination.bits());
    if (query.source) head.rtm_src_len = static_cast<unsigned char>(query.source->bits());
    // IPv6 refuses RTM_F_LOOKUP_TABLE under strict checking, and says the table all the same.
    // With FIB_MATCH the route is shown with every leg, without it the one that the kernel takes.
    head.rtm_flags = (query.chosen ? 0U : RTM_F_FIB_MATCH) | (destination.is_v4() ? RTM_F_LOOKUP_TABLE : 0U);
    auto message = make_message(RTM_GETROUTE, 0, head);
    put_address(message.get(), RTA_DST, destination);
    if (query.source) put_address(message.get(), RTA_SRC, *query.source);
    if (!query.iif.empty()) {
        const unsigned index = if_nametoindex(query.iif.c_str());
        if (index == 0) {
            answer.error = ENODEV;
            return answer;
        }
        nla_put_u32(message.get(), RTA_IIF, index);
    }
    if (query.mark != 0) nla_put_u32(message.get(), RTA_MARK, query.mark);
    if (query.ip_proto != 0) nla_put_u8(message.get(), RTA_IP_PROTO, query.ip_proto);
    if (query.destination_port != 0)
        nla_put_u16(message.get(), RTA_DPORT,
                    static_cast<std::uint16_t>(query.destination_port << 8 | query.destination_port >> 8));
    std::uint32_t object = 0;
    answer.error = netlink
                       .request(std::move(message),
                                [&](const nlmsghdr& h) {
                                    if (h.nlmsg_type != RTM_NEWROUTE) return;
                                    auto [route, without_legs] = parse_route(h);
                                    object = without_legs;
                                    answer.type = route.type;
                                    answer.table = route.table;
                                    answer.matched = route.destination;
                                    answer.next_hops = std::move(route.next_hops);
                                })
                       .error;
    if (object != 0 && !query.chosen)
        if (auto legs = NextHopObjects(netlink).legs(object)) answer.next_hops = std::move(*legs);
    return answer;
}

}  // namespace podroute::agent
