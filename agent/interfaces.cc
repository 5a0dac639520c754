// rtnetlink(7): links, addresses, routes, neighbours.
#include "agent/interfaces.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace podroute::agent {
namespace {

constexpr std::uint8_t kOperUp = 6;
// RTPROT_BOOT, as `ip route add` writes. Not the 112 of repairs: `undo --all` must not take a pod of another
// run for one.
constexpr std::uint8_t kProtocol = 3;
constexpr std::uint32_t kFirst = 1;  // metric: before anything that a router advertises

Result<void> change(Netlink& netlink, Message message, const std::string& what) {
    const auto done = netlink.request(std::move(message));
    if (done.error == 0) return {};
    return failure(
        "errno-" + std::to_string(done.error),
        what + ": " + std::strerror(done.error) + (done.message.empty() ? "" : ": " + done.message));
}

unsigned char family_of(const Address& address) {
    return static_cast<unsigned char>(address.is_v4() ? AF_INET : AF_INET6);
}

template <std::size_t N>
std::array<nlattr*, N> nested(nlattr* attribute) {
    std::array<nlattr*, N> out{};
    if (attribute != nullptr) nla_parse_nested(out.data(), static_cast<int>(N) - 1, attribute, nullptr);
    return out;
}

// IFLA_AF_SPEC, AF_INET6: absent where the kernel or the link has no IPv6.
bool makes_link_local(nlattr* af_spec) {
    const auto ipv6 = nested<IFLA_INET6_MAX + 1>(nested<AF_INET6 + 1>(af_spec)[AF_INET6]);
    const auto* conf = ipv6[IFLA_INET6_CONF];
    const auto* mode = ipv6[IFLA_INET6_ADDR_GEN_MODE];
    if (conf == nullptr || nla_len(conf) <= static_cast<int>(DEVCONF_DISABLE_IPV6 * sizeof(std::int32_t)))
        return false;
    std::int32_t disabled = 0;
    std::memcpy(&disabled,
                static_cast<const char*>(nla_data(conf)) + DEVCONF_DISABLE_IPV6 * sizeof(std::int32_t),
                sizeof disabled);
    return disabled == 0 && (mode == nullptr || nla_get_u8(mode) != IN6_ADDR_GEN_MODE_NONE);
}

Interface parse(const nlmsghdr& h) {
    const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(&h));
    const auto a = attributes<IFLA_MAX + 1>(h, sizeof *info);
    Interface out;
    out.index = static_cast<std::uint32_t>(info->ifi_index);
    out.flags = info->ifi_flags;
    out.carrier = (info->ifi_flags & IFF_LOWER_UP) != 0;
    out.name = string_of(a[IFLA_IFNAME]);
    out.qdisc = string_of(a[IFLA_QDISC]);
    out.mtu = u32_of(a[IFLA_MTU]);
    if (a[IFLA_ADDRESS] != nullptr && nla_len(a[IFLA_ADDRESS]) == static_cast<int>(out.mac.size()))
        std::memcpy(out.mac.data(), nla_data(a[IFLA_ADDRESS]), out.mac.size());
    if (a[IFLA_OPERSTATE] != nullptr) out.operstate = nla_get_u8(a[IFLA_OPERSTATE]);
    out.makes_link_local = makes_link_local(a[IFLA_AF_SPEC]);
    const auto kind = nested<IFLA_INFO_MAX + 1>(a[IFLA_LINKINFO]);
    out.kind = string_of(kind[IFLA_INFO_KIND]);
    if (out.kind == "bridge")
        out.spanning_tree = u32_of(nested<IFLA_BR_MAX + 1>(kind[IFLA_INFO_DATA])[IFLA_BR_STP_STATE]) != 0;
    if (string_of(kind[IFLA_INFO_SLAVE_KIND]) == "bridge")
        if (const auto* state = nested<IFLA_BRPORT_MAX + 1>(kind[IFLA_INFO_SLAVE_DATA])[IFLA_BRPORT_STATE])
            out.port_state = nla_get_u8(state);
    return out;
}

Result<Interface> get(Netlink& netlink, std::uint32_t index, const std::string& name) {
    ifinfomsg head{};
    head.ifi_index = static_cast<int>(index);
    auto message = make_message(RTM_GETLINK, 0, head);
    if (!name.empty()) nla_put_string(message.get(), IFLA_IFNAME, name.c_str());
    std::optional<Interface> found;
    const auto done = netlink.request(std::move(message), [&](const nlmsghdr& h) {
        if (h.nlmsg_type == RTM_NEWLINK) found = parse(h);
    });
    if (found) return std::move(*found);
    return failure(
        "errno-" + std::to_string(done.error),
        "link " + (name.empty() ? std::to_string(index) : name) + ": " + std::strerror(done.error));
}

void put_mac(nl_msg* message, int type, const Mac& mac) {
    nla_put(message, type, static_cast<int>(mac.size()), mac.data());
}

}  // namespace

std::string to_string(const Mac& mac) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    for (const auto byte : mac) {
        if (!out.empty()) out += ':';
        out += kHex[byte >> 4U];
        out += kHex[byte & 15U];
    }
    return out;
}

bool Interface::live() const {
    const bool forwards = port_state == 0xff || port_state == BR_STATE_FORWARDING;
    return operstate == kOperUp && qdisc != "noop" && forwards;
}

Result<Interface> interface_named(Netlink& netlink, const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ)
        return failure("errno-" + std::to_string(EINVAL), "no link can have the name '" + name + "'");
    return get(netlink, 0, name);
}

Result<Interface> interface_at(Netlink& netlink, std::uint32_t index) {
    return get(netlink, index, {});
}

Error why_no_veth(Error error) {
    if (error.code == "errno-" + std::to_string(EOPNOTSUPP))
        error.text += ": this kernel has no veth links and could not load the module veth";
    return error;
}

Result<void> add_veth(Netlink& netlink, const VethPair& pair) {
    auto message = make_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, ifinfomsg{});
    nl_msg* m = message.get();
    nla_put_string(m, IFLA_IFNAME, pair.name.c_str());
    // Set ones (addr_assign_type 3): udev replaces random ones.
    put_mac(m, IFLA_ADDRESS, pair.mac);
    if (pair.mtu != 0) nla_put_u32(m, IFLA_MTU, pair.mtu);
    if (pair.master != 0) nla_put_u32(m, IFLA_MASTER, pair.master);
    if (pair.group != 0) nla_put_u32(m, IFLA_GROUP, pair.group);
    nlattr* info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, "veth");
    nlattr* data = nla_nest_start(m, IFLA_INFO_DATA);
    nlattr* peer = nla_nest_start(m, VETH_INFO_PEER);
    ifinfomsg head{};  // not up: the kernel refuses that here with ENOTCONN
    nlmsg_append(m, &head, sizeof head, NLMSG_ALIGNTO);
    nla_put_string(m, IFLA_IFNAME, "eth0");
    put_mac(m, IFLA_ADDRESS, pair.peer_mac);
    if (pair.peer_mtu != 0) nla_put_u32(m, IFLA_MTU, pair.peer_mtu);
    nla_put_u32(m, IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.peer_namespace));
    nla_nest_end(m, peer);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    auto made = change(netlink, std::move(message), "link " + pair.name);
    if (!made) return tl::unexpected(why_no_veth(made.error()));
    return made;
}

void keep_quiet(Netlink& netlink, std::uint32_t index) {
    ifinfomsg head{};
    head.ifi_index = static_cast<int>(index);
    auto message = make_message(RTM_SETLINK, NLM_F_ACK, head);
    nlattr* spec = nla_nest_start(message.get(), IFLA_AF_SPEC);
    nlattr* ipv6 = nla_nest_start(message.get(), AF_INET6);
    nla_put_u8(message.get(), IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    nla_nest_end(message.get(), ipv6);
    nla_nest_end(message.get(), spec);
    netlink.request(std::move(message));
}

Result<void> set_up(Netlink& netlink, std::uint32_t index) {
    ifinfomsg head{};
    head.ifi_index = static_cast<int>(index);
    head.ifi_flags = IFF_UP;
    head.ifi_change = IFF_UP;
    return change(netlink, make_message(RTM_SETLINK, NLM_F_ACK, head), "link up");
}

Result<void> add_address(Netlink& netlink, std::uint32_t index, const Address& address, unsigned length) {
    ifaddrmsg head{};
    head.ifa_family = family_of(address);
    head.ifa_prefixlen = static_cast<unsigned char>(length);
    head.ifa_index = index;
    auto message = make_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, head);
    put_address(message.get(), IFA_LOCAL, address);
    put_address(message.get(), IFA_ADDRESS, address);
    // Usable at once: whether another has it was asked before.
    if (!address.is_v4()) nla_put_u32(message.get(), IFA_FLAGS, IFA_F_NODAD);
    return change(netlink, std::move(message), "address " + address.to_string());
}

Result<void> add_route(Netlink& netlink, const Prefix& destination, const std::optional<Address>& gateway,
                       std::uint32_t index) {
    rtmsg head{};
    head.rtm_family = family_of(destination.network());
    head.rtm_dst_len = static_cast<unsigned char>(destination.length());
    head.rtm_table = RT_TABLE_MAIN;
    head.rtm_protocol = kProtocol;
    head.rtm_scope = gateway || destination.family() == Family::v6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    head.rtm_type = RTN_UNICAST;
    if (gateway) head.rtm_flags = RTNH_F_ONLINK;
    auto message = make_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, head);
    if (destination.length() != 0) put_address(message.get(), RTA_DST, destination.network());
    if (gateway) put_address(message.get(), RTA_GATEWAY, *gateway);
    nla_put_u32(message.get(), RTA_OIF, index);
    if (destination.family() == Family::v6) nla_put_u32(message.get(), RTA_PRIORITY, kFirst);
    return change(netlink, std::move(message), "route " + destination.to_string());
}

Result<void> set_neighbour(Netlink& netlink, std::uint32_t index, const Address& address, const Mac& mac,
                           std::uint16_t state) {
    ndmsg head{};
    head.ndm_family = family_of(address);
    head.ndm_ifindex = static_cast<int>(index);
    head.ndm_state = state;
    auto message = make_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, head);
    put_address(message.get(), NDA_DST, address);
    put_mac(message.get(), NDA_LLADDR, mac);
    return change(netlink, std::move(message), "neighbour " + address.to_string());
}

void remove_link(Netlink& netlink, std::uint32_t index) {
    ifinfomsg head{};
    head.ifi_index = static_cast<int>(index);
    netlink.request(make_message(RTM_DELLINK, NLM_F_ACK, head));
}

Result<void> remove_links(Netlink& netlink, std::uint32_t group) {
    auto message = make_message(RTM_DELLINK, NLM_F_ACK, ifinfomsg{});
    nla_put_u32(message.get(), IFLA_GROUP, group);
    return change(netlink, std::move(message), "links of group " + std::to_string(group));
}

void remove_neighbour(Netlink& netlink, std::uint32_t index, const Address& address) {
    ndmsg head{};
    head.ndm_family = family_of(address);
    head.ndm_ifindex = static_cast<int>(index);
    auto message = make_message(RTM_DELNEIGH, NLM_F_ACK, head);
    put_address(message.get(), NDA_DST, address);
    netlink.request(std::move(message));
}

}  // namespace podroute::agent
