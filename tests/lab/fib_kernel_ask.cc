// Asks the kernel's FIB by netlink.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "tests/lab/fib_kernel.h"

namespace podroute::testing {
namespace {

class Message {
  public:
    explicit Message(std::uint8_t family) {
        head()->nlmsg_len = NLMSG_LENGTH(sizeof(rtmsg));
        head()->nlmsg_type = RTM_GETROUTE;
        head()->nlmsg_flags = NLM_F_REQUEST;
        route()->rtm_family = family;
        route()->rtm_flags = RTM_F_FIB_MATCH;
        if (family == AF_INET) route()->rtm_flags |= RTM_F_LOOKUP_TABLE;
    }
    void put(std::uint16_t type, const void* data, std::size_t size) {
        auto* attribute = reinterpret_cast<rtattr*>(buffer_.data() + NLMSG_ALIGN(head()->nlmsg_len));
        attribute->rta_type = type;
        attribute->rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
        std::memcpy(RTA_DATA(attribute), data, size);
        head()->nlmsg_len = NLMSG_ALIGN(head()->nlmsg_len) + RTA_ALIGN(attribute->rta_len);
    }
    template <class T>
    void put(std::uint16_t type, T value) {
        put(type, &value, sizeof value);
    }
    nlmsghdr* head() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }
    rtmsg* route() { return static_cast<rtmsg*>(NLMSG_DATA(head())); }

  private:
    alignas(8) std::array<char, 512> buffer_{};
};

Message message_for(const FibQuery& query) {
    const bool v4 = query.destination.is_v4();
    Message message(v4 ? AF_INET : AF_INET6);
    message.route()->rtm_dst_len = static_cast<std::uint8_t>(query.destination.bits());
    message.put(RTA_DST, query.destination.wire(), query.destination.wire_size());
    if (query.source) {
        message.route()->rtm_src_len = static_cast<std::uint8_t>(query.source->bits());
        message.put(RTA_SRC, query.source->wire(), query.source->wire_size());
    }
    if (!query.iif.empty()) message.put(RTA_IIF, if_nametoindex(query.iif.c_str()));
    if (query.mark != 0) message.put(RTA_MARK, query.mark);
    if (query.ip_proto != 0) message.put(RTA_IP_PROTO, query.ip_proto);
    if (query.destination_port != 0) message.put(RTA_DPORT, htons(query.destination_port));
    return message;
}

void read_hop_attribute(const rtattr* attribute, NextHop& hop) {
    const auto size = static_cast<std::size_t>(RTA_PAYLOAD(attribute));
    if (attribute->rta_type == RTA_GATEWAY) hop.gateway = *Address::from_bytes(RTA_DATA(attribute), size);
    if (attribute->rta_type == RTA_VIA)
        hop.gateway = *Address::from_bytes(static_cast<const char*>(RTA_DATA(attribute)) + 2, size - 2);
    if (attribute->rta_type == RTA_OIF) std::memcpy(&hop.ifindex, RTA_DATA(attribute), 4);
}

std::vector<NextHop> read_multipath(const rtattr* attribute) {
    std::vector<NextHop> hops;
    auto left = static_cast<int>(RTA_PAYLOAD(attribute));
    auto* next = static_cast<rtnexthop*>(RTA_DATA(attribute));
    while (RTNH_OK(next, left)) {
        NextHop hop;
        hop.ifindex = static_cast<std::uint32_t>(next->rtnh_ifindex);
        auto inner_left = static_cast<int>(next->rtnh_len - RTNH_LENGTH(0));
        for (auto* inner = RTNH_DATA(next); RTA_OK(inner, inner_left); inner = RTA_NEXT(inner, inner_left))
            read_hop_attribute(inner, hop);
        hops.push_back(hop);
        left -= RTNH_ALIGN(next->rtnh_len);
        next = RTNH_NEXT(next);
    }
    return hops;
}

void read_route(const nlmsghdr* head, FibAnswer& answer) {
    const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(head));
    answer.type = static_cast<RouteType>(route->rtm_type);
    answer.table = route->rtm_table;
    Address destination = Prefix::any(answer.query.destination.family()).network();
    NextHop single;
    auto left = static_cast<int>(RTM_PAYLOAD(head));
    for (auto* a = RTM_RTA(route); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == RTA_DST)
            destination = *Address::from_bytes(RTA_DATA(a), static_cast<std::size_t>(RTA_PAYLOAD(a)));
        if (a->rta_type == RTA_TABLE) std::memcpy(&answer.table, RTA_DATA(a), 4);
        if (a->rta_type == RTA_MULTIPATH) answer.next_hops = read_multipath(a);
        read_hop_attribute(a, single);
    }
    answer.matched = Prefix{destination, route->rtm_dst_len};
    if (answer.next_hops.empty() && single.ifindex != 0) answer.next_hops = {single};
}

}  // namespace

FibAnswer ask_kernel(const FibQuery& query) {
    require_own_namespace();
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) throw std::runtime_error("no netlink socket");
    const int one = 1;
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    Message message = message_for(query);
    alignas(8) std::array<char, 16384> buffer{};
    const auto sent = send(fd, message.head(), message.head()->nlmsg_len, 0);
    const auto size = sent < 0 ? sent : recv(fd, buffer.data(), buffer.size(), 0);
    close(fd);
    if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) throw std::runtime_error("no answer by netlink");
    const auto* head = reinterpret_cast<const nlmsghdr*>(buffer.data());
    FibAnswer answer;
    answer.query = query;
    if (head->nlmsg_type == NLMSG_ERROR)
        answer.error = -static_cast<const nlmsgerr*>(NLMSG_DATA(head))->error;
    else
        read_route(head, answer);
    return answer;
}

}  // namespace podroute::testing
