// Healthy snapshots for tests, as the lab would have them: server 10.240.0.10 and node-i 10.240.0.2i, every
// node with the pod network 10.200.i.0/24 on the bridge cnio0. A test breaks what it is about.
#pragma once

#include <string>

#include "model/snapshot.h"

namespace podroute::testing {

inline constexpr std::uint32_t kLo = 1, kEth0 = 2, kCnio0 = 3;

inline Address address(const std::string& text) {
    return Address::parse(text).value();
}
inline Prefix prefix(const std::string& text) {
    return Prefix::parse(text).value();
}

struct ClusterOptions {
    unsigned nodes = 2;
    bool ipv6 = false;   // fd00:10:240::/64 for nodes, fd00:10:200:i::/64 for pods, besides IPv4
    bool bridge = true;  // false: before the first pod, no cnio0 yet
    bool routes = true;  // the pod routes
    bool server = true;  // the control host
};

// A unicast route via a gateway, main table, as `ip route add` makes it.
inline Route via(const std::string& destination, const std::string& gateway, std::uint32_t ifindex = kEth0) {
    Route route;
    route.destination = prefix(destination);
    route.protocol = 3;
    route.metric = route.destination.family() == Family::v4 ? 0 : 1024;
    route.next_hops = {{address(gateway), ifindex, 0, 1}};
    return route;
}

// A connected network, as the kernel makes it.
inline Route connected(const Prefix& destination, std::uint32_t ifindex) {
    Route route;
    route.destination = destination;
    route.protocol = 2;
    route.scope = 253;
    route.metric = destination.family() == Family::v4 ? 0 : 256;
    route.next_hops = {{std::nullopt, ifindex, 0, 1}};
    return route;
}

inline Route reject(const std::string& destination, RouteType type = RouteType::blackhole) {
    Route route;
    route.destination = prefix(destination);
    route.type = type;
    route.protocol = 3;
    route.metric = route.destination.family() == Family::v4 ? 0 : 1024;
    return route;
}

inline Rule lookup_rule(Family family, std::uint32_t priority, std::uint32_t table) {
    Rule rule;
    rule.family = family;
    rule.priority = priority;
    rule.action = 1;
    rule.table = table;
    return rule;
}

class Cluster {
  public:
    explicit Cluster(unsigned nodes) : Cluster(ClusterOptions{.nodes = nodes}) {}
    explicit Cluster(const ClusterOptions& options) : options_(options) {
        snapshot.run = {"0123456789abcdef", "2026-01-01T00:00:00Z", 100, "0.1.0", "machines.txt", false};
        unsigned line = 1;
        if (options.server) add_inventory("server", 10, std::nullopt, line);
        for (unsigned i = 0; i < options.nodes; ++i)
            add_inventory("node-" + std::to_string(i), 20 + i, i, line);
        for (const InventoryHost& host : snapshot.inventory.hosts) snapshot.hosts[host.name] = facts_of(host);
    }

    HostFacts& facts(const HostId& host) { return *snapshot.hosts.at(host); }
    std::vector<Route>& routes(const HostId& host) { return *facts(host).routes; }
    void add_route(const HostId& host, const Route& route) { routes(host).push_back(route); }
    void del_route(const HostId& host, const std::string& destination) {
        std::erase_if(routes(host), [&](const Route& r) { return r.destination == prefix(destination); });
    }
    void add_address(const HostId& host, const std::string& text, unsigned length, std::uint32_t ifindex) {
        add_address_to(facts(host), address(text), length, ifindex);
    }
    void add_link(const HostId& host, std::uint32_t index, const std::string& name, const std::string& kind) {
        facts(host).links->push_back(link(index, name, kind, static_cast<unsigned>(index)));
        for (const char* key : {"forwarding", "rp_filter"})
            facts(host).sysctls["ipv4/conf/" + name + "/" + key] =
                std::string(key == std::string("forwarding") ? "1" : "0");
    }
    void set_sysctl(const HostId& host, const std::string& name, const std::string& value) {
        facts(host).sysctls[name] = value;
    }
    // The host was not reached.
    void lose(const HostId& host) {
        snapshot.hosts[host] = Unknown{"no TCP connection", "host-unreachable", ""};
    }

    Snapshot snapshot;

  private:
    void add_inventory(const std::string& name, unsigned last, std::optional<unsigned> pod, unsigned& line) {
        InventoryHost host{name, name + ".kubernetes.local", {}, {}, {}};
        host.addresses.push_back(Address::v4(0x0AF00000U + last));  // 10.240.0.last
        host.lines.push_back(line++);
        if (pod) host.pod_cidrs.push_back({Address::v4(0x0AC80000U + (*pod << 8)), 24});  // 10.200.pod.0/24
        if (options_.ipv6) {
            host.addresses.push_back(address("fd00:10:240::").offset(last));
            host.lines.push_back(line++);
            // A /64 further per pod network; hexadecimal in the fourth group.
            if (pod) {
                Address network = address("fd00:10:200::");
                auto bytes = network.raw();
                bytes[6] = static_cast<std::uint8_t>(*pod >> 8);
                bytes[7] = static_cast<std::uint8_t>(*pod);
                host.pod_cidrs.push_back({Address::v6(bytes), 64});
            }
        }
        snapshot.inventory.hosts.push_back(std::move(host));
    }

    static Link link(std::uint32_t index, const std::string& name, const std::string& kind, unsigned tail) {
        constexpr std::string_view digits = "0123456789abcdef";
        Link made;
        made.index = index;
        made.name = name;
        made.kind = kind;
        made.flags = 1;  // IFF_UP
        made.mtu = 1500;
        made.mac = std::string("02:00:00:00:") + digits[index / 16 % 16] + digits[index % 16] + ":" +
                   digits[tail / 16 % 16] + digits[tail % 16];
        made.operstate = 6;
        made.carrier = true;
        return made;
    }

    static void add_address_to(HostFacts& facts, const Address& address, unsigned length,
                               std::uint32_t ifindex) {
        facts.addresses->push_back({ifindex, address, static_cast<std::uint8_t>(length), 0, 0x80});
        facts.routes->push_back(connected({address, length}, ifindex));
        Route local = connected(Prefix::host(address), ifindex);
        local.table = kTableLocal;
        local.type = RouteType::local;
        local.scope = address.is_v4() ? 254 : 0;
        local.metric = 0;
        facts.routes->push_back(std::move(local));
    }

    HostFacts facts_of(const InventoryHost& host) const {
        HostFacts facts;
        facts.hostname = host.name;
        facts.kernel = "6.1.0-18-amd64";
        facts.machine = "x86_64";
        const auto number = static_cast<unsigned>(host.addresses.front().v4_value() & 0xff);
        Link lo = link(kLo, "lo", "", 0);
        lo.flags |= 8U;  // IFF_LOOPBACK
        lo.mac = "00:00:00:00:00:00";
        facts.links = std::vector<Link>{lo, link(kEth0, "eth0", "", number)};
        facts.addresses = std::vector<InterfaceAddress>{};
        facts.routes = std::vector<Route>{};
        facts.rules = std::vector<Rule>{
            lookup_rule(Family::v4, 0, kTableLocal), lookup_rule(Family::v4, 32766, kTableMain),
            lookup_rule(Family::v4, 32767, kTableDefault), lookup_rule(Family::v6, 0, kTableLocal),
            lookup_rule(Family::v6, 32766, kTableMain)};
        facts.neighbours = std::vector<Neighbour>{};
        facts.cni = CniConfig{};
        facts.firewall = FirewallFacts{};
        facts.fib = std::vector<FibAnswer>{};
        facts.nameservers = std::vector<Address>{address("10.240.0.1")};
        facts.ssh_connection = "10.240.0.5 50000 " + host.addresses.front().to_string() + " 22";
        add_address_to(facts, address("127.0.0.1"), 8, kLo);
        facts.routes->erase(facts.routes->begin());  // 127.0.0.0/8 is in no main table
        for (const Address& node : host.addresses) add_address_to(facts, node, node.is_v4() ? 24 : 64, kEth0);
        facts.routes->push_back(via("0.0.0.0/0", "10.240.0.1"));
        if (options_.ipv6) facts.routes->push_back(via("::/0", "fd00:10:240::1"));
        add_pod_side(facts, host);
        add_sysctls(facts);
        return facts;
    }

    void add_pod_side(HostFacts& facts, const InventoryHost& host) const {
        if (!host.pod_cidrs.empty() && options_.bridge) {
            const auto number = static_cast<unsigned>(host.addresses.front().v4_value() & 0xff);
            facts.links->push_back(link(kCnio0, "cnio0", "bridge", number));
            for (const Prefix& cidr : host.pod_cidrs)
                add_address_to(facts, cidr.first_usable(), cidr.length(), kCnio0);
        }
        if (!options_.routes) return;
        for (const InventoryHost& peer : snapshot.inventory.hosts)
            for (const Prefix& cidr : peer.pod_cidrs)
                if (peer.name != host.name)
                    facts.routes->push_back(via(cidr.to_string(), peer.address(cidr.family())->to_string()));
    }

    static void add_sysctls(HostFacts& facts) {
        facts.sysctls["ipv4/ip_forward"] = std::string("1");
        std::vector<std::string> names{"all", "default"};
        for (const Link& link : *facts.links) names.push_back(link.name);
        for (const std::string& name : names) {
            facts.sysctls["ipv4/conf/" + name + "/forwarding"] = std::string("1");
            facts.sysctls["ipv4/conf/" + name + "/rp_filter"] = std::string("0");
            facts.sysctls["ipv4/conf/" + name + "/accept_redirects"] = std::string("1");
            facts.sysctls["ipv6/conf/" + name + "/forwarding"] = std::string("1");
        }
    }

    ClusterOptions options_;
};

}  // namespace podroute::testing
