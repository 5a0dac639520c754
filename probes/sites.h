// Where probes start and end: the synthetic pods that were opened, and nodes. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/snapshot.h"

namespace podroute {

// One end of probes.
struct Site {
    Endpoint endpoint;
    std::uint32_t pod = 0;       // number of the synthetic pod, 0: the node itself
    std::uint32_t mtu = 0;       // bytes, of the pod's link, or of the node's first uplink; 0: not known
    std::uint16_t tcp_port = 0;  // where a SYN is answered
    bool listened = false;       // something is known to listen there
    std::string unknown;         // why nothing can be sent from here, else empty

    bool usable() const { return unknown.empty(); }
    bool operator==(const Site&) const = default;
};

struct PodSite {
    Prefix cidr;
    Site pod;
    std::optional<Site> neighbour;  // a second pod of the CIDR
};

struct Sites {
    std::vector<PodSite> pods;  // one for each pod CIDR, in the order of the inventory
    std::vector<Site> control;  // nodes without pod CIDRs, one an address
    std::vector<Site> nodes;    // nodes with pod CIDRs, likewise: for evidence only
};

// TCP and UDP are answered on this port in synthetic pods.
inline constexpr std::uint16_t kPodPort = 8080;
// UDP is answered on this one at nodes: of those that Linux gives nobody by itself (ip_local_port_range), and
// another one in each run, so that runs at once on the same hosts are not in each other's way.
std::uint16_t node_udp_port(const RunInfo& run);

Sites sites_of(const Snapshot& snapshot);

// Bytes of the largest packet for the target that the source's link takes: of a node, of the links by which
// its route to the target leaves, the smallest.
std::uint32_t mtu_towards(const Snapshot& snapshot, const Site& source, const Endpoint& target);

// The findings of the last round in which the host was to open pods; null if it never was, or was lost then.
const HostFindings* pods_of(const Snapshot& snapshot, const HostId& host);

}  // namespace podroute
