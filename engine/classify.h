// The route class (faults.md): what a host's tables make of one peer CIDR. Every assertion about routes reads
// this one function.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/expected.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

enum class RouteClass : std::uint8_t {
    right,
    link_down,
    rule_diverted,
    missing,
    partial,
    shadowed,
    blackhole,
    wrong_gateway,
    neighbour_wrong,
    gateway_unresolved,
    unknown
};

struct Classification {
    RouteClass route_class = RouteClass::unknown;
    std::string expected;    // "10.200.1.0/24 via 10.240.0.21"
    std::string observed;    // "no match (network is unreachable)", "10.200.1.0/24 via 10.240.0.99 dev eth0"
    std::string note;        // of a right one: "by the covering route 10.200.0.0/16", else empty
    std::string why;         // of an unknown one, and of link_down: one plain sentence
    std::string blocked_by;  // link_down, unknown: the cause code or check id that stands in the way
    std::optional<Cause> cause;  // of every class but right, link_down (links own that cause) and unknown
    std::vector<Cause> further;  // what is still wrong with the ones before mended, in that order
};

// Classifies the routes of one snapshot. Tables are indexed once per host and kept, so that a check makes one
// of these for all its routes. The snapshot must outlive it; thread-compatible.
class Classifier {
  public:
    explicit Classifier(const Snapshot& snapshot);
    ~Classifier();
    Classifier(const Classifier&) = delete;
    Classifier& operator=(const Classifier&) = delete;
    // `expected` must be from the same inventory. A CIDR that overlaps another, or covers a node address, is
    // unknown, blocked by inventory-overlap.
    Classification classify(const ExpectedRoute& expected);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// The routes layer's answer for one expected route; for many, make one Classifier.
Classification classify(const Snapshot& snapshot, const ExpectedRoute& expected);

// What other files need to know of a host's roles.
struct HostRoles {
    std::vector<std::uint32_t> uplinks;  // links that carry an inventory address, or that the route to the
                                         // peers' node addresses leaves by; the former first
    std::optional<std::uint32_t> pod_bridge;  // the bridge named in /etc/cni/net.d, or where that is not
                                              // there one that pods use; where none is named, the link whose
                                              // network is the CIDR, else cni0, cnio0, cbr0
    bool pods_attached = false;               // a veth is a port of the pod bridge
};
// Only the links that carry an inventory address count as uplinks here.
HostRoles roles(const HostFacts& facts, const InventoryHost& host);
// With those that lead to the peers too.
HostRoles roles(const HostFacts& facts, const InventoryHost& host, const Inventory& inventory);

bool is_pod_bridge_name(std::string_view name);  // one that CNI bridges usually have: cni0, cnio0, cbr0
// The CNI network whose bridge is the pod bridge, null if the configuration names none.
const CniNetwork* bridge_network(const HostFacts& facts);

// Whether the host's network of this family has yet to come with its first pod: there is no pod bridge, or it
// has no address of the family and no pods. Pods of the other family alone do not count, where the CNI
// configuration names networks and none of this family.
bool awaits_first_pod(const HostFacts& facts, const HostRoles& roles, Family family);

}  // namespace podroute
