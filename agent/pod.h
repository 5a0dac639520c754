// One synthetic pod: a network namespace and a veth into it.
//
//   with the pod bridge                          point to point
//     pod   eth0  10.200.0.201/24                 pod   eth0  10.200.0.201/32
//            │    default via the bridge                 │    default via 169.254.1.1 (fe80::1)
//     host  vethx ── bridge                       host  vethx  10.200.0.201/32 dev vethx
//
// Neighbour entries on both sides say at once who has which MAC, so that no first packet waits: permanent
// ones, which go with the link or the namespace. The host's on its bridge outlives the link; it is like one
// that was learned (NUD_STALE), deleted at a clean end, and after a kill harmless, as it is of any pod that
// has gone: the kernel verifies it on its first use.
#pragma once

#include <memory>
#include <vector>

#include "agent/interfaces.h"
#include "agent/namespace.h"
#include "model/wire.h"

namespace podroute::agent {

// How the pods join their host.
struct Joint {
    Mac host_mac{};  // of the host's end
    // The bridge to join, index 0: point to point.
    Interface bridge;
    std::string kept_off{};     // why not the one that was asked for
    std::uint32_t mtu = 0;      // bytes, of the host's end
    std::uint32_t pod_mtu = 0;  // bytes, of the pod's
    std::uint32_t group = 0;    // of the host's end
};

class Pod {
  public:
    // Joined to its host, but without an address. Errors: what the kernel said.
    static Result<std::unique_ptr<Pod>> open(Netlink& host, const PodSpec& spec, const Joint& joint);
    // Gives it its addresses and its ways; it is not live() yet. Errors: what the kernel said; where = the
    // address that is in the way, if one is.
    Result<void> take_addresses();
    // Takes the link and its entries away, if the agent lives to do so.
    ~Pod();
    Pod(const Pod&) = delete;
    Pod& operator=(const Pod&) = delete;

    // Both ends and the bridge carry packets, and the pod takes its own. Errors: what is gone.
    Result<bool> live();
    const OpenedPod& opened() const { return opened_; }
    int namespace_fd() const { return namespace_.fd(); }
    // The host's end was taken away with its group.
    void link_is_gone() { linked_ = false; }
    // Tells this pod at once where another on the same bridge is.
    Result<void> meet(const Pod& other);

  private:
    Pod(Netlink& host, PodSpec spec, const Joint& joint, Namespace own, Netlink inside);
    Result<void> make_links();
    bool answers();
    Result<void> join_by_bridge(std::size_t i);
    Result<void> join_point_to_point(const Address& address);

    Netlink& host_;
    const PodSpec spec_;
    const Joint joint_;
    Namespace namespace_;
    Netlink inside_;
    Mac mac_{};
    OpenedPod opened_;
    bool linked_ = false;
    std::vector<Address> told_bridge_;  // the host's entries there that are ours: of others' none is touched
};

// Six bytes from the system's random source behind the given ones.
Mac random_mac(std::initializer_list<std::uint8_t> first);

}  // namespace podroute::agent
