// RTM_NEWROUTE, RTM_DELROUTE.
#include "agent/route_entry.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "agent/nexthops.h"
#include "agent/tables.h"

namespace podroute::agent {
namespace {

constexpr std::uint32_t kLargestSmallTable = 255;  // rtm_table has 8 bits

bool same_family(const Route& route, const Address& gateway) {
    return route.destination.family() == gateway.family();
}

void put_gateway(nl_msg* message, const Route& route, const Address& gateway) {
    if (same_family(route, gateway)) return put_address(message, RTA_GATEWAY, gateway);
    // RTA_VIA: u16 family in host order, then the address.
    std::array<unsigned char, 18> via{};
    const auto family = static_cast<std::uint16_t>(gateway.is_v4() ? AF_INET : AF_INET6);
    std::copy_n(reinterpret_cast<const unsigned char*>(&family), sizeof family, via.begin());
    std::copy_n(gateway.wire(), gateway.wire_size(), via.begin() + sizeof family);
    nla_put(message, RTA_VIA, static_cast<int>(sizeof family + gateway.wire_size()), via.data());
}

void put_legs(nl_msg* message, const Route& route) {
    nlattr* legs = nla_nest_start(message, RTA_MULTIPATH);
    for (const auto& hop : route.next_hops) {
        auto* leg = static_cast<rtnexthop*>(nlmsg_reserve(message, sizeof(rtnexthop), NLMSG_ALIGNTO));
        if (leg == nullptr) return;
        leg->rtnh_flags = hop.flags & RTNH_F_ONLINK;
        leg->rtnh_hops = static_cast<unsigned char>(std::clamp<unsigned>(hop.weight, 1, 256) - 1);
        leg->rtnh_ifindex = static_cast<int>(hop.ifindex);
        if (hop.gateway) put_gateway(message, route, *hop.gateway);
        leg->rtnh_len = static_cast<unsigned short>(static_cast<char*>(nlmsg_tail(nlmsg_hdr(message))) -
                                                    reinterpret_cast<char*>(leg));
    }
    nla_nest_end(message, legs);
}

Message message_of(int type, int flags, const Route& route) {
    rtmsg head{};
    head.rtm_family =
        static_cast<unsigned char>(route.destination.family() == Family::v4 ? AF_INET : AF_INET6);
    head.rtm_dst_len = static_cast<unsigned char>(route.destination.length());
    head.rtm_tos = route.tos;
    head.rtm_table = static_cast<unsigned char>(route.table <= kLargestSmallTable ? route.table : 0);
    head.rtm_protocol = route.protocol;
    // Deletion matches any scope: it is of no account in comparing, too.
    head.rtm_scope = type == RTM_DELROUTE ? static_cast<unsigned char>(RT_SCOPE_NOWHERE) : route.scope;
    head.rtm_type = static_cast<unsigned char>(route.type);
    const bool single = route.next_hops.size() == 1;
    if (single) head.rtm_flags = route.next_hops.front().flags & RTNH_F_ONLINK;
    auto message = make_message(type, flags | NLM_F_ACK, head);
    put_address(message.get(), RTA_DST, route.destination.network());
    nla_put_u32(message.get(), RTA_TABLE, route.table);
    if (route.metric != 0) nla_put_u32(message.get(), RTA_PRIORITY, route.metric);
    if (route.preferred_source) put_address(message.get(), RTA_PREFSRC, *route.preferred_source);
    if (single) {
        const auto& hop = route.next_hops.front();
        if (hop.gateway) put_gateway(message.get(), route, *hop.gateway);
        if (hop.ifindex != 0) nla_put_u32(message.get(), RTA_OIF, hop.ifindex);
    } else if (!route.next_hops.empty()) {
        put_legs(message.get(), route);
    }
    return message;
}

// What a Route does not hold and a new one would lose.
std::string unrestorable(const nlmsghdr& h) {
    const auto* head = static_cast<const rtmsg*>(nlmsg_data(&h));
    const auto a = attributes<RTA_MAX + 1>(h, sizeof *head);
    if (a[RTA_NH_ID] != nullptr) return "it names a next hop object";
    if (a[RTA_METRICS] != nullptr) return "it has metrics of its own (mtu, advmss ..)";
    if (a[RTA_ENCAP] != nullptr || a[RTA_ENCAP_TYPE] != nullptr) return "it encapsulates";
    if (a[RTA_FLOW] != nullptr) return "it has a realm";
    if (a[RTA_SRC] != nullptr) return "it is specific to a source";
    if (a[RTA_PREF] != nullptr && nla_get_u8(a[RTA_PREF]) != 0) return "it has a router preference";
    if (a[RTA_CACHEINFO] != nullptr && nla_len(a[RTA_CACHEINFO]) >= static_cast<int>(sizeof(rta_cacheinfo)) &&
        static_cast<const rta_cacheinfo*>(nla_data(a[RTA_CACHEINFO]))->rta_expires != 0)
        return "it expires";
    if (a[RTA_MULTIPATH] == nullptr) return {};
    int left = nla_len(a[RTA_MULTIPATH]);
    for (auto* leg = static_cast<rtnexthop*>(nla_data(a[RTA_MULTIPATH])); RTNH_OK(leg, left);) {
        std::array<nlattr*, RTA_MAX + 1> of_leg{};
        nla_parse(of_leg.data(), RTA_MAX, reinterpret_cast<nlattr*>(RTNH_DATA(leg)),
                  leg->rtnh_len - static_cast<int>(sizeof *leg), nullptr);
        if (of_leg[RTA_ENCAP] != nullptr) return "a leg of it encapsulates";
        if (of_leg[RTA_FLOW] != nullptr) return "a leg of it has a realm";
        left -= RTNH_ALIGN(leg->rtnh_len);
        leg = RTNH_NEXT(leg);
    }
    return {};
}

struct Candidate {
    ParsedRoute parsed;
    std::string unrestorable;
};

// All routes to that very destination in that table.
Result<std::vector<Candidate>> candidates(Netlink& netlink, const RouteObject& object) {
    std::vector<Candidate> found;
    rtmsg head{};
    head.rtm_family =
        static_cast<unsigned char>(object.destination.family() == Family::v4 ? AF_INET : AF_INET6);
    const auto done = netlink.dump([&] { return make_message(RTM_GETROUTE, NLM_F_DUMP, head); },
                                   [&](const nlmsghdr& h) {
                                       if (h.nlmsg_type != RTM_NEWROUTE) return;
                                       auto parsed = parse_route(h);
                                       if ((parsed.route.flags & RTM_F_CLONED) == 0 &&
                                           parsed.route.destination == object.destination &&
                                           parsed.route.table == object.table)
                                           found.push_back({std::move(parsed), unrestorable(h)});
                                   },
                                   [&] { found.clear(); });
    if (!done) return tl::unexpected(done.error());
    NextHopObjects objects(netlink);
    for (auto& [parsed, unused] : found) {
        if (parsed.object == 0) continue;
        auto legs = objects.legs(parsed.object);
        if (!legs) return tl::unexpected(legs.error());
        parsed.route.next_hops = std::move(*legs);
    }
    return found;
}

}  // namespace

Result<Found> read_route(Netlink& netlink, const RouteObject& object) {
    auto all = candidates(netlink, object);
    if (!all) return tl::unexpected(all.error());
    Found found;
    for (auto& [parsed, reason] : *all) {
        const bool ours = parsed.route.metric == object.metric && parsed.route.tos == object.tos;
        if (ours && found.state) return failure("ambiguous", "there are several routes of that metric");
        if (ours) {
            found.state = std::move(parsed.route);
            found.unrestorable = std::move(reason);
        } else if (found.beside.empty()) {
            found.beside = describe(State{parsed.route});
        }
    }
    return found;
}

Result<void> write_route(Netlink& netlink, const Route* from, const Route* to) {
    if (from == nullptr && to == nullptr) return {};
    if (to == nullptr) return acknowledged(netlink.request(message_of(RTM_DELROUTE, 0, *from)));
    const int flags = from == nullptr ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_REPLACE;
    return acknowledged(netlink.request(message_of(RTM_NEWROUTE, flags, *to)));
}

}  // namespace podroute::agent
