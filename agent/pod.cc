// The order of things is the kernel's: links, up, addresses, routes.
#include "agent/pod.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/fib.h"

namespace podroute::agent {
namespace {

constexpr std::uint32_t kLoopback = 1;  // its ifindex in every namespace

// Link-local, so that no route of the host can hold it.
Address own_gateway(const Address& pod) {
    if (pod.is_v4()) return Address::v4(0xa9fe0101);  // 169.254.1.1
    return Address::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

Result<Netlink> netlink_inside(const Namespace& place) {
    const Inside inside(place.fd());
    if (!inside.entered())
        return failure("pod-unavailable", std::string("the new namespace: ") + std::strerror(errno));
    return Netlink::open(NETLINK_ROUTE);
}

}  // namespace

Mac random_mac(std::initializer_list<std::uint8_t> first) {
    Mac mac{};
    std::size_t have = 0;
    while (have < mac.size()) {
        const ssize_t n = getrandom(mac.data() + have, mac.size() - have, 0);
        if (n > 0) have += static_cast<std::size_t>(n);
    }
    std::copy(first.begin(), first.end(), mac.begin());
    return mac;
}

Result<std::unique_ptr<Pod>> Pod::open(Netlink& host, const PodSpec& spec, const Joint& joint) {
    auto place = Namespace::create();
    if (!place) return tl::unexpected(place.error());
    auto inside = netlink_inside(*place);
    if (!inside) return tl::unexpected(inside.error());
    std::unique_ptr<Pod> pod(new Pod(host, spec, joint, std::move(*place), std::move(*inside)));
    if (auto made = pod->make_links(); !made) return tl::unexpected(made.error());
    return pod;
}

Pod::Pod(Netlink& host, PodSpec spec, const Joint& joint, Namespace own, Netlink inside)
    : host_(host),
      spec_(std::move(spec)),
      joint_(joint),
      namespace_(std::move(own)),
      inside_(std::move(inside)),
      mac_(random_mac({0x02})) {
    opened_.number = spec_.number;
}

Pod::~Pod() {
    if (opened_.ifindex == 0) return;
    if (linked_) remove_link(host_, opened_.ifindex);
    for (const auto& a : told_bridge_) remove_neighbour(host_, joint_.bridge.index, a);
}

Result<void> Pod::make_links() {
    VethPair pair;
    pair.name = spec_.link;
    pair.mac = joint_.host_mac;
    pair.peer_mac = mac_;
    pair.mtu = joint_.mtu;
    pair.peer_mtu = joint_.pod_mtu;
    pair.master = joint_.bridge.index;
    pair.group = joint_.group;
    pair.peer_namespace = namespace_.fd();
    if (auto made = add_veth(host_, pair); !made) return made;
    const auto outer = interface_named(host_, spec_.link);
    if (!outer) return tl::unexpected(outer.error());
    opened_.ifindex = outer->index;
    linked_ = true;
    const auto inner = interface_named(inside_, "eth0");
    if (!inner) return tl::unexpected(inner.error());
    opened_.pod_ifindex = inner->index;
    opened_.mac = to_string(mac_);
    opened_.gateway_mac = to_string(joint_.bridge.index != 0 ? joint_.bridge.mac : joint_.host_mac);
    opened_.mtu = inner->mtu;
    opened_.bridge = joint_.bridge.name;
    opened_.kept_off = joint_.kept_off;
    keep_quiet(host_, outer->index);
    keep_quiet(inside_, inner->index);
    for (auto [where, index] :
         {std::pair{&host_, outer->index}, {&inside_, kLoopback}, {&inside_, inner->index}})
        if (auto up = set_up(*where, index); !up) return up;
    return {};
}

Result<void> Pod::take_addresses() {
    for (std::size_t i = 0; i < spec_.addresses.size(); ++i) {
        auto joined = joint_.bridge.index != 0 ? join_by_bridge(i) : join_point_to_point(spec_.addresses[i]);
        if (joined) continue;
        auto error = joined.error();
        // Another run was faster; anything else no other address would mend.
        if (error.code == "errno-" + std::to_string(EEXIST)) error.where = spec_.addresses[i].to_string();
        return tl::unexpected(std::move(error));
    }
    return {};
}

Result<void> Pod::join_by_bridge(std::size_t i) {
    const auto& address = spec_.addresses[i];
    const auto& gateway = spec_.gateways[i];
    const auto eth0 = opened_.pod_ifindex;
    auto done = add_address(inside_, eth0, address, spec_.networks[i].length());
    if (done) done = set_neighbour(inside_, eth0, gateway, joint_.bridge.mac, NUD_PERMANENT);
    if (done) done = add_route(inside_, Prefix::any(address.family()), gateway, eth0);
    if (done) done = set_neighbour(host_, joint_.bridge.index, address, mac_, NUD_STALE);
    if (done) told_bridge_.push_back(address);
    return done;
}

Result<void> Pod::join_point_to_point(const Address& address) {
    const auto gateway = own_gateway(address);
    const auto eth0 = opened_.pod_ifindex;
    auto done = add_address(inside_, eth0, address, address.bits());
    if (done) done = set_neighbour(inside_, eth0, gateway, joint_.host_mac, NUD_PERMANENT);
    if (done) done = add_route(inside_, Prefix::any(address.family()), gateway, eth0);
    if (done) done = set_neighbour(host_, opened_.ifindex, address, mac_, NUD_PERMANENT);
    if (done) done = add_route(host_, Prefix::host(address), std::nullopt, opened_.ifindex);
    return done;
}

Result<void> Pod::meet(const Pod& other) {
    if (joint_.bridge.index == 0 || joint_.bridge.index != other.joint_.bridge.index) return {};
    for (const auto& address : other.spec_.addresses)
        if (auto done = set_neighbour(inside_, opened_.pod_ifindex, address, other.mac_, NUD_PERMANENT);
            !done)
            return done;
    return {};
}

// The kernel makes an IPv6 address's own route in a work queue (addrconf_dad_work), also without DAD; until
// then it throws packets to it away.
bool Pod::answers() {
    return std::all_of(spec_.addresses.begin(), spec_.addresses.end(), [this](const Address& a) {
        FibQuery query;
        query.destination = a;
        return lookup(inside_, query).type == RouteType::local;
    });
}

Result<bool> Pod::live() {
    const auto outer = interface_at(host_, opened_.ifindex);
    const auto inner = interface_at(inside_, opened_.pod_ifindex);
    if (!outer || !inner) return failure("pod-unavailable", "the pod's link has gone");
    bool all = outer->live() && inner->live() && answers();
    // A bridge that is down stays so; that is for the probes to find.
    if (all && joint_.bridge.index != 0 && (joint_.bridge.flags & 1U) != 0) {
        const auto bridge = interface_at(host_, joint_.bridge.index);
        if (!bridge) return tl::unexpected(bridge.error());
        all = bridge->live();
    }
    return all;
}

}  // namespace podroute::agent
