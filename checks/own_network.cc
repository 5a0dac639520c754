// Bridge addresses, CNI subnets and the kubelet's podCIDR, each compared with the inventory.
#include "checks/own_network.h"

#include <algorithm>

#include "checks/common.h"
#include "checks/own_bridge.h"
#include "checks/own_config.h"
#include "checks/sysctls.h"
#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolKernel = 2;

std::string text_of(const InterfaceAddress& address) {
    return address.address.to_string() + "/" + std::to_string(address.prefix_length);
}

class Mismatch {
  public:
    Mismatch(const InventoryHost& host, const HostFacts& facts, const Prefix& cidr)
        : host_(host), facts_(facts), cidr_(cidr) {}

    void look_at_bridge(const Expected& expected) {
        const Link* bridge = pod_bridge(facts_, host_);
        if (bridge == nullptr) return;
        const auto foreign = foreign_addresses(facts_, host_, *bridge, cidr_.family());
        if (foreign.empty()) return;
        add("the pod bridge " + bridge->name + " of " + host_.name + " carries " + text_of(*foreign.front()) +
            ", not its pod network " + cidr_.to_string());
        for (const InterfaceAddress* address : foreign) command("del", *address, bridge->name);
        const InterfaceAddress right{bridge->index, cidr_.first_usable(),
                                     static_cast<std::uint8_t>(cidr_.length())};
        command("add", right, bridge->name);
        move_routes(*bridge, foreign);
        restore_peers(foreign, expected);
    }

    // Its address is the pods' gateway; IPv6 addresses go when a link is set down, or IPv6 is turned off on
    // it.
    void look_at_gateway() {
        const HostRoles host_roles = roles(facts_, host_);
        const Link* bridge = pod_bridge(facts_, host_);
        if (bridge == nullptr || !bridge->admin_up() || !facts_.addresses.known()) return;
        if (!addresses_of(facts_, *bridge, cidr_.family()).empty()) return;
        if (awaits_first_pod(facts_, host_roles, cidr_.family())) return;
        add("the pod bridge " + bridge->name + " of " + host_.name +
            " has pods, but no address of its pod network " + cidr_.to_string());
        const std::string disabled = "ipv6/conf/" + bridge->name + "/disable_ipv6";
        if (cidr_.family() == Family::v6 && read_setting(facts_, disabled).is(1)) {
            add("IPv6 is turned off on " + bridge->name);
            cause_.commands.push_back(setting_command(host_.name, disabled, 0));
        }
        const InterfaceAddress right{bridge->index, cidr_.first_usable(),
                                     static_cast<std::uint8_t>(cidr_.length())};
        command("add", right, bridge->name);
        connect(*bridge);
    }

    void look_at_cni() {
        const auto [file, subnets] = cni_subnets(facts_);
        const auto other = instead_of(cidr_, host_, subnets);
        if (!other) return;
        add(configured("the CNI configuration", *other));
        edit(*other, cni_path(file));
    }

    void look_at_kubelet() {
        const auto other = instead_of(cidr_, host_, kubelet_subnets(facts_));
        if (!other) return;
        add(configured("the kubelet configuration", *other));
        edit(*other, "/var/lib/kubelet/kubelet-config.yaml");
    }

    // Pods to come will be on another bridge than those that are there: two bridges with one network.
    void look_at_name() {
        const CniNetwork* network = bridge_network(facts_);
        const Link* bridge = pod_bridge(facts_, host_);
        if (network == nullptr || bridge == nullptr || network->bridge == bridge->name) return;
        const bool first = cause_.summary.empty();
        add("the CNI configuration of " + host_.name + " names the bridge " + network->bridge +
            ", but the pod network is on " + bridge->name);
        if (first && is_pod_bridge_name(bridge->name)) cause_.severity = Severity::warning;
        const std::string path = cni_path(network->file);
        if (plain_word(network->bridge) && plain_word(bridge->name) && plain_word(path))
            cause_.commands.push_back(
                on_host(host_.name, "sed -i s#" + network->bridge + "#" + bridge->name + "# " + path));
    }

    std::optional<Cause> cause() {
        if (cause_.summary.empty()) return std::nullopt;
        cause_.code = "pod-cidr-mismatch";
        cause_.host = host_.name;
        cause_.subject = cidr_.to_string();
        return std::move(cause_);
    }

  private:
    void add(const std::string& line) {
        if (cause_.summary.empty())
            cause_.summary = line;
        else
            cause_.evidence.push_back(line);
    }

    std::string configured(const std::string& what, const std::string& text) const {
        const std::string held = lenient_prefix(text) ? text : "the placeholder " + text;
        return what + " of " + host_.name + " holds " + held + ", not its pod network " + cidr_.to_string();
    }

    void edit(const std::string& from, const std::string& path) {
        if (plain_word(from) && plain_word(path))
            cause_.commands.push_back(
                on_host(host_.name, "sed -i s#" + from + "#" + cidr_.to_string() + "# " + path));
    }

    void command(const std::string& verb, const InterfaceAddress& address, const std::string& device) {
        const std::string ip = cidr_.family() == Family::v6 ? "ip -6" : "ip";
        if (plain_word(device))
            cause_.commands.push_back(
                on_host(host_.name, ip + " address " + verb + " " + text_of(address) + " dev " + device));
    }

    void change(const Route* before, const Route* after) {
        const Route& key = after != nullptr ? *after : *before;
        Change change;
        change.object = RouteObject{key.destination, key.table, key.metric, key.tos};
        if (before != nullptr) change.before = *before;
        if (after != nullptr) change.after = *after;
        cause_.remedy.push_back({host_.name, std::move(change)});
    }

    // What the kernel does with the routes of these addresses when they are replaced.
    void move_routes(const Link& bridge, const std::vector<const InterfaceAddress*>& foreign) {
        if (!facts_.routes.known()) return;
        for (const Route& route : *facts_.routes) {
            const bool of_bridge =
                std::any_of(route.next_hops.begin(), route.next_hops.end(),
                            [&](const NextHop& hop) { return hop.ifindex == bridge.index; });
            const bool of_address = std::any_of(
                foreign.begin(), foreign.end(),
                [&](const InterfaceAddress* a) { return a->network().contains(route.destination); });
            if (of_bridge && of_address && route.protocol == kProtocolKernel) change(&route, nullptr);
        }
        connect(bridge);
    }

    void connect(const Link& bridge) {
        const Route connected = connected_route(cidr_, bridge.index);
        change(nullptr, &connected);
    }

    // A peer's network that the bridge held could have no route of its own.
    void restore_peers(const std::vector<const InterfaceAddress*>& foreign, const Expected& expected) {
        if (!facts_.routes.known()) return;
        for (const ExpectedRoute& route : expected.routes) {
            const bool held = std::any_of(foreign.begin(), foreign.end(), [&](const InterfaceAddress* a) {
                return a->network().overlaps(route.pod_cidr);
            });
            const bool exists =
                std::any_of(facts_.routes->begin(), facts_.routes->end(), [&](const Route& r) {
                    return r.destination == route.pod_cidr && r.protocol != kProtocolKernel;
                });
            const auto links = roles(facts_, host_).uplinks;
            if (route.host != host_.name || !held || exists || links.empty()) continue;
            Route right;
            right.destination = route.pod_cidr;
            right.metric = default_metric(cidr_.family());
            right.next_hops = {{route.next_hop, links.front(), 0, 1}};
            change(nullptr, &right);
            cause_.commands.push_back(on_host(host_.name, route_add_command(route)));
        }
    }

    const InventoryHost& host_;
    const HostFacts& facts_;
    const Prefix& cidr_;
    Cause cause_;
};

}  // namespace

Route connected_route(const Prefix& network, std::uint32_t ifindex) {
    Route route;
    route.destination = network;
    route.protocol = kProtocolKernel;
    route.scope = network.family() == Family::v4 ? 253 : 0;
    route.metric = network.family() == Family::v4 ? 0 : 256;
    route.next_hops = {{std::nullopt, ifindex, 0, 1}};
    return route;
}

std::optional<Cause> network_mismatch(const InventoryHost& host, const HostFacts& facts, const Prefix& cidr,
                                      const Expected& expected) {
    Mismatch mismatch(host, facts, cidr);
    mismatch.look_at_bridge(expected);
    mismatch.look_at_gateway();
    mismatch.look_at_cni();
    mismatch.look_at_kubelet();
    mismatch.look_at_name();
    return mismatch.cause();
}

}  // namespace podroute
