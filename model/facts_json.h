// The fields of facts, for wire and snapshot. See model/json.h.
#pragma once

#include "model/facts.h"
#include "model/json.h"

namespace podroute {

#define PODROUTE_FIELD(name) v(#name, x.name, d.name)

template <class V>
void fields(V& v, Link& x, const Link& d) {
    PODROUTE_FIELD(index), PODROUTE_FIELD(name), PODROUTE_FIELD(kind), PODROUTE_FIELD(flags),
        PODROUTE_FIELD(mtu);
    PODROUTE_FIELD(mac), PODROUTE_FIELD(master), PODROUTE_FIELD(operstate), PODROUTE_FIELD(carrier),
        PODROUTE_FIELD(xdp);
}
template <class V>
void fields(V& v, InterfaceAddress& x, const InterfaceAddress& d) {
    PODROUTE_FIELD(ifindex), PODROUTE_FIELD(address), PODROUTE_FIELD(prefix_length), PODROUTE_FIELD(scope),
        PODROUTE_FIELD(flags);
}
template <class V>
void fields(V& v, NextHop& x, const NextHop& d) {
    PODROUTE_FIELD(gateway), PODROUTE_FIELD(ifindex), PODROUTE_FIELD(flags), PODROUTE_FIELD(weight);
}
template <class V>
void fields(V& v, Route& x, const Route& d) {
    PODROUTE_FIELD(destination), PODROUTE_FIELD(table), PODROUTE_FIELD(type), PODROUTE_FIELD(protocol),
        PODROUTE_FIELD(scope);
    PODROUTE_FIELD(tos), PODROUTE_FIELD(metric), PODROUTE_FIELD(flags), PODROUTE_FIELD(source);
    PODROUTE_FIELD(preferred_source), PODROUTE_FIELD(next_hops);
}
template <class V>
void fields(V& v, Rule& x, const Rule& d) {
    PODROUTE_FIELD(family), PODROUTE_FIELD(priority), PODROUTE_FIELD(action), PODROUTE_FIELD(table),
        PODROUTE_FIELD(goto_priority);
    PODROUTE_FIELD(invert), PODROUTE_FIELD(source), PODROUTE_FIELD(destination), PODROUTE_FIELD(iif),
        PODROUTE_FIELD(oif);
    PODROUTE_FIELD(fwmark), PODROUTE_FIELD(fwmask), PODROUTE_FIELD(tos), PODROUTE_FIELD(ip_proto);
    PODROUTE_FIELD(source_port_from), PODROUTE_FIELD(source_port_to);
    PODROUTE_FIELD(destination_port_from), PODROUTE_FIELD(destination_port_to);
    PODROUTE_FIELD(suppress_prefix_length), PODROUTE_FIELD(uid_from), PODROUTE_FIELD(uid_to);
    PODROUTE_FIELD(l3mdev), PODROUTE_FIELD(tun_id);
}
template <class V>
void fields(V& v, Neighbour& x, const Neighbour& d) {
    PODROUTE_FIELD(address), PODROUTE_FIELD(ifindex), PODROUTE_FIELD(mac), PODROUTE_FIELD(state);
}
template <class V>
void fields(V& v, FibQuery& x, const FibQuery& d) {
    PODROUTE_FIELD(destination), PODROUTE_FIELD(source), PODROUTE_FIELD(iif), PODROUTE_FIELD(mark);
    PODROUTE_FIELD(ip_proto), PODROUTE_FIELD(destination_port), PODROUTE_FIELD(chosen);
}
template <class V>
void fields(V& v, FibAnswer& x, const FibAnswer& d) {
    PODROUTE_FIELD(query), PODROUTE_FIELD(error), PODROUTE_FIELD(type), PODROUTE_FIELD(table),
        PODROUTE_FIELD(matched);
    PODROUTE_FIELD(next_hops);
}
// Consecutive answers that differ in their question alone are written as one, with the other questions under
// "also": a host of a hundred gives five hundred answers, and a hundred different ones.
struct FibRun {
    FibAnswer answer;
    std::vector<FibQuery> also;
    bool operator==(const FibRun&) const = default;
};
template <class V>
void fields(V& v, FibRun& x, const FibRun& d) {
    fields(v, x.answer, d.answer);
    PODROUTE_FIELD(also);
}
Observed<std::vector<FibRun>> to_runs(const Observed<std::vector<FibAnswer>>& answers);
Observed<std::vector<FibAnswer>> from_runs(Observed<std::vector<FibRun>> runs);

template <class V>
void in_runs(V& v, const char* name, Observed<std::vector<FibAnswer>>& answers) {
    auto runs = to_runs(answers);
    v(name, runs, Observed<std::vector<FibRun>>{});
    if constexpr (V::kReads) answers = from_runs(std::move(runs));
}

template <class V>
void fields(V& v, CniNetwork& x, const CniNetwork& d) {
    PODROUTE_FIELD(file), PODROUTE_FIELD(name), PODROUTE_FIELD(type), PODROUTE_FIELD(bridge),
        PODROUTE_FIELD(subnets);
    PODROUTE_FIELD(ip_masq);
}
template <class V>
void fields(V& v, CniConfig& x, const CniConfig& d) {
    PODROUTE_FIELD(networks), PODROUTE_FIELD(kubelet_pod_cidr), PODROUTE_FIELD(unreadable);
}
template <class V>
void fields(V& v, FilterChain& x, const FilterChain& d) {
    PODROUTE_FIELD(table), PODROUTE_FIELD(name), PODROUTE_FIELD(type), PODROUTE_FIELD(drops),
        PODROUTE_FIELD(rules);
}
template <class V>
void fields(V& v, FirewallFacts& x, const FirewallFacts& d) {
    PODROUTE_FIELD(legacy_rules), PODROUTE_FIELD(nft_rules), PODROUTE_FIELD(chains);
}
template <class V>
void fields(V& v, Firmware& x, const Firmware& d) {
    PODROUTE_FIELD(vendor), PODROUTE_FIELD(product), PODROUTE_FIELD(chassis_tag);
}
template <class V>
void fields(V& v, NeighbourTable& x, const NeighbourTable& d) {
    PODROUTE_FIELD(entries), PODROUTE_FIELD(uncounted), PODROUTE_FIELD(table_fulls);
}
template <class V>
void fields(V& v, HostFacts& x, const HostFacts& d) {
    PODROUTE_FIELD(hostname), PODROUTE_FIELD(kernel), PODROUTE_FIELD(machine), PODROUTE_FIELD(uid),
        PODROUTE_FIELD(clock_ms);
    PODROUTE_FIELD(ssh_connection), PODROUTE_FIELD(links), PODROUTE_FIELD(addresses), PODROUTE_FIELD(routes);
    PODROUTE_FIELD(rules), PODROUTE_FIELD(neighbours), PODROUTE_FIELD(sysctls), PODROUTE_FIELD(cni);
    PODROUTE_FIELD(firewall), PODROUTE_FIELD(nameservers), PODROUTE_FIELD(login_user),
        PODROUTE_FIELD(firmware);
    PODROUTE_FIELD(neighbour_table_v4), PODROUTE_FIELD(neighbour_table_v6);
    in_runs(v, "fib", x.fib);
}

namespace codec {
template <>
struct EnumNames<Family> {
    static constexpr std::string_view names[] = {"", "", "", "", "v4", "", "v6"};
};
template <>
struct EnumNames<RouteType> {
    static constexpr std::string_view names[] = {"unspec",   "unicast",   "local",     "broadcast",
                                                 "anycast",  "multicast", "blackhole", "unreachable",
                                                 "prohibit", "throw",     "nat",       "xresolve"};
};
}  // namespace codec

}  // namespace podroute
