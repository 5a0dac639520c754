// The list of all checks. One line each; nothing registers itself.
#include "checks/registry.h"

#include <array>

#include "checks/checks.h"

namespace podroute {

std::span<const Check> all_checks() {
    static constexpr std::array checks{
        Check{"pod-cidrs-disjoint", Layer::inventory, true, pod_cidrs_disjoint},
        Check{"host-access", Layer::access, true, host_access},
        Check{"probe-ready", Layer::access, true, probe_ready},
        Check{"address-present", Layer::links, true, address_present},
        Check{"address-unique", Layer::links, true, address_unique},
        Check{"link-up", Layer::links, true, link_up},
        Check{"route-present", Layer::routes, true, route_present},
        Check{"pod-cidr-own", Layer::routes, true, pod_cidr_own},
        Check{"forwarding-enabled", Layer::forwarding, true, forwarding_enabled},
        Check{"reverse-path", Layer::forwarding, true, reverse_path},
        Check{"datapath-native", Layer::forwarding, false, datapath_native},
        Check{"firewall-single", Layer::forwarding, false, firewall_single},
        Check{"conntrack-room", Layer::forwarding, true, conntrack_room},
        Check{"neighbour-room", Layer::forwarding, true, neighbour_room},
        Check{"pod-icmp", Layer::icmp, true, pod_icmp},
        Check{"pod-tcp", Layer::tcp, true, pod_tcp},
        Check{"pod-udp", Layer::udp, true, pod_udp},
        Check{"path-mtu", Layer::mtu, true, path_mtu},
        Check{"path-hops", Layer::path, false, path_hops},
        Check{"next-hops", Layer::path, true, next_hops},
    };
    return checks;
}

}  // namespace podroute
