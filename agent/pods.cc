// What may be asked for, which addresses are free, how to join, and waiting until packets pass.
#include "agent/pods.h"

#include <algorithm>
#include <set>
#include <thread>

#include "agent/address_probe.h"
#include "agent/pod_address.h"
#include "agent/pod_bridge.h"
#include "agent/waiting.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxPods = 64;
constexpr auto kPatience = std::chrono::seconds(3);  // until the links carry packets
constexpr auto kLook = std::chrono::microseconds(200);
constexpr std::uint32_t kMinMtu = 68, kMaxMtu = 65535;  // bytes (RFC 791)

tl::unexpected<Error> unavailable(std::string text, std::string where = {}) {
    return failure("pod-unavailable", std::move(text), std::move(where));
}

Result<void> check(const PodSpec& spec) {
    const auto& a = spec.addresses;
    if (spec.number == 0) return unavailable("a pod needs a number");
    if (a.empty() || a.size() > 2 || (a.size() == 2 && a[0].family() == a[1].family()))
        return unavailable("a pod has one address of a family");
    // With that prefix network managers leave it alone.
    if (!spec.link.starts_with("veth")) return unavailable("the link of a pod is called veth..");
    if (spec.mtu != 0 && (spec.mtu < kMinMtu || spec.mtu > kMaxMtu))
        return unavailable("no link has an MTU of " + std::to_string(spec.mtu));
    if (spec.bridge.empty()) return {};
    if (spec.networks.size() != a.size() || spec.gateways.size() != a.size())
        return unavailable("each address needs its network and its gateway");
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!spec.networks[i].contains(a[i]) || !spec.networks[i].contains(spec.gateways[i]))
            return unavailable(a[i].to_string() + " or its gateway is outside " +
                               spec.networks[i].to_string());
        if (a[i] == spec.gateways[i])
            return unavailable(a[i].to_string() + " is the gateway", a[i].to_string());
    }
    return {};
}

Result<void> free_here(Netlink& host, const PodSpec& spec, const std::optional<Bridge>& bridge) {
    for (const auto& address : spec.addresses) {
        if (auto free = not_in_ipam(address); !free) return free;
        if (auto free = not_routed(host, address, bridge ? bridge->link.index : 0); !free) return free;
        if (!bridge) continue;
        if (auto free = not_assigned(host, address, bridge->link.index); !free) return free;
    }
    return {};
}

Result<Joint> joint_of(Netlink& host, const PodSpec& spec, const std::optional<Bridge>& bridge,
                       const Mac& host_mac) {
    Joint joint;
    joint.host_mac = host_mac;
    if (bridge && bridge->keep_off.empty()) {
        joint.bridge = bridge->link;
        // A port with another MTU would change the bridge's (br_mtu_auto_adjust).
        joint.mtu = bridge->link.mtu;
        joint.pod_mtu = spec.mtu != 0 ? spec.mtu : joint.mtu;
        return joint;
    }
    if (bridge) joint.kept_off = bridge->keep_off;
    joint.mtu = spec.mtu;
    if (joint.mtu == 0 && bridge) joint.mtu = bridge->link.mtu;
    if (joint.mtu == 0 && !spec.uplink.empty()) {
        const auto uplink = interface_named(host, spec.uplink);
        if (!uplink) return tl::unexpected(uplink.error());
        joint.mtu = std::min(uplink->mtu, kMaxMtu);
    }
    joint.pod_mtu = joint.mtu;
    return joint;
}

Result<void> wait_until_live(const std::vector<std::unique_ptr<Pod>>& pods) {
    const auto until = Clock::now() + kPatience;
    for (const auto& pod : pods)
        for (;;) {
            const auto live = pod->live();
            if (!live) return tl::unexpected(live.error());
            if (*live) break;
            if (Clock::now() >= until || !controller_there())
                return unavailable("the pod's link does not come up");
            std::this_thread::sleep_for(kLook);
        }
    return {};
}

// A spec, the bridge it names, and the MAC of its host's end.
struct Site {
    const PodSpec* spec;
    std::optional<Bridge> bridge;
    Mac host_mac;
};

Result<std::vector<Site>> survey(Netlink& host, const std::vector<PodSpec>& specs) {
    std::vector<Site> sites;
    for (const auto& spec : specs) {
        if (auto good = check(spec); !good) return tl::unexpected(good.error());
        // High, for the bridge's sake; the lowest bits of the first byte say: one station, made up.
        Site site{&spec, {}, random_mac({0xfe, 0xff, 0xff})};
        if (!spec.bridge.empty()) {
            auto bridge = look_at_bridge(host, spec.bridge, site.host_mac);
            if (!bridge) return tl::unexpected(bridge.error());
            site.bridge = std::move(*bridge);
        }
        if (auto free = free_here(host, spec, site.bridge); !free) return tl::unexpected(free.error());
        sites.push_back(std::move(site));
    }
    return sites;
}

// All addresses of one bridge are asked for at once.
Result<std::vector<AddressProbe>> ask_bridges(const std::vector<Site>& sites) {
    std::vector<AddressProbe> probes;
    std::set<std::uint32_t> asked;
    for (const auto& site : sites) {
        if (!site.bridge || !asked.insert(site.bridge->link.index).second) continue;
        std::vector<Address> addresses;
        for (const auto& other : sites)
            if (other.bridge && other.bridge->link.index == site.bridge->link.index)
                addresses.insert(addresses.end(), other.spec->addresses.begin(), other.spec->addresses.end());
        auto probe = AddressProbe::ask(std::move(addresses), site.bridge->link);
        if (!probe) return tl::unexpected(probe.error());
        probes.push_back(std::move(*probe));
    }
    return probes;
}

// Nobody else's: not 0, the default, and none of the small numbers that people give.
std::uint32_t random_group() {
    const Mac random = random_mac({});
    return 0x40000000U | std::uint32_t{random[0]} << 16 | std::uint32_t{random[1]} << 8 | random[2] |
           std::uint32_t{random[3] & 0x3fU} << 24;
}

}  // namespace

void Pods::close() {
    if (!pods_.empty() && remove_links(*host_, group_))
        for (const auto& pod : pods_) pod->link_is_gone();
    pods_.clear();
    reserved_.clear();
}

Result<OpenPodReply> Pods::open(Netlink& host, const OpenPod& request) {
    close();
    auto opened = try_open(host, request);
    if (!opened) return unavailable(opened.error().text, opened.error().where);
    return opened;
}

Result<OpenPodReply> Pods::try_open(Netlink& host, const OpenPod& request) {
    if (request.pods.size() > kMaxPods) return unavailable("more than " + std::to_string(kMaxPods) + " pods");
    if (auto good = check_unique(request.pods); !good) return tl::unexpected(good.error());
    std::vector<Descriptor> reserved;
    for (const auto& spec : request.pods)
        for (const auto& address : spec.addresses) {
            auto mine = reserve(address);
            if (!mine) return tl::unexpected(mine.error());
            reserved.push_back(std::move(*mine));
        }
    const auto sites = survey(host, request.pods);
    if (!sites) return tl::unexpected(sites.error());
    auto probes = ask_bridges(*sites);
    if (!probes) return tl::unexpected(probes.error());

    // Joined while others have time to answer: an address is taken only when nobody did.
    const auto group = random_group();
    std::vector<std::unique_ptr<Pod>> made;
    for (const auto& site : *sites) {
        auto joint = joint_of(host, *site.spec, site.bridge, site.host_mac);
        if (!joint) return tl::unexpected(joint.error());
        joint->group = group;
        auto pod = Pod::open(host, *site.spec, *joint);
        if (!pod) return tl::unexpected(pod.error());
        made.push_back(std::move(*pod));
    }
    for (auto& probe : *probes)
        if (auto free = probe.not_answered(); !free) return tl::unexpected(free.error());
    for (const auto& pod : made)
        if (auto taken = pod->take_addresses(); !taken) return tl::unexpected(taken.error());
    for (const auto& pod : made)
        for (const auto& other : made)
            if (pod != other)
                if (auto met = pod->meet(*other); !met) return tl::unexpected(met.error());
    if (auto up = wait_until_live(made); !up) return tl::unexpected(up.error());
    OpenPodReply reply;
    host_ = &host;
    group_ = group;
    for (auto& pod : made) {
        reply.pods.push_back(pod->opened());
        pods_.push_back(std::move(pod));
    }
    reserved_ = std::move(reserved);
    return reply;
}

Result<void> Pods::check_unique(const std::vector<PodSpec>& specs) const {
    std::set<std::uint32_t> numbers;
    std::set<Address> addresses;
    for (const auto& pod : pods_) numbers.insert(pod->opened().number);
    for (const auto& spec : specs) {
        if (!numbers.insert(spec.number).second)
            return unavailable("there is a pod " + std::to_string(spec.number) + " already");
        for (const auto& a : spec.addresses)
            if (!addresses.insert(a).second)
                return unavailable(a.to_string() + ": two pods cannot have it", a.to_string());
    }
    return {};
}

Result<int> Pods::namespace_of(std::uint32_t number) const {
    if (number == 0) return -1;
    const auto at = std::find_if(pods_.begin(), pods_.end(),
                                 [&](const auto& pod) { return pod->opened().number == number; });
    if (at == pods_.end()) return failure("no-such-pod", "there is no pod " + std::to_string(number));
    return (*at)->namespace_fd();
}

}  // namespace podroute::agent
