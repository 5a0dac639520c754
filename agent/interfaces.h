// Links and what is set on them, one netlink message each: what a synthetic pod is made of. Errors:
// "errno-N" as the kernel said it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "agent/netlink.h"

namespace podroute::agent {

using Mac = std::array<std::uint8_t, 6>;
std::string to_string(const Mac& mac);  // "02:00:00:00:00:01"

// What bears on whether a link carries packets, and whether a bridge may be joined.
struct Interface {
    std::uint32_t index = 0;
    std::string name, kind, qdisc;
    std::uint32_t flags = 0;  // IFF_*
    std::uint32_t mtu = 0;    // bytes
    Mac mac{};
    std::uint8_t operstate = 0;  // RFC 2863 as in linux/if.h
    bool carrier = false;
    bool spanning_tree = false;      // of a bridge: a new port waits before it forwards
    bool makes_link_local = false;   // gives itself fe80:: when it first has carrier
    std::uint8_t port_state = 0xff;  // BR_STATE_* of a port, 0xff of any other link

    // Packets are not thrown away: RFC 2863 up, and the queue in place (net/core/link_watch.c sets it late).
    bool live() const;
};
Result<Interface> interface_named(Netlink& netlink, const std::string& name);
Result<Interface> interface_at(Netlink& netlink, std::uint32_t index);

// Two ends of a veth, both down; the peer is in another namespace and called eth0.
struct VethPair {
    std::string name;
    Mac mac{}, peer_mac{};
    std::uint32_t mtu = 0, peer_mtu = 0;  // bytes; 0: the kernel's own
    std::uint32_t master = 0;             // ifindex of a bridge, or 0
    std::uint32_t group = 0;              // of the host's end (ip-link(8)), 0: the default one
    int peer_namespace = -1;
};
Result<void> add_veth(Netlink& netlink, const VethPair& pair);
// The same error, with what an administrator can do about it where the kernel does not know such links.
Error why_no_veth(Error error);
// The link gives itself no fe80:: address, and so sends nothing of its own when it comes up. A kernel without
// IPv6 has nothing to tell.
void keep_quiet(Netlink& netlink, std::uint32_t index);
Result<void> set_up(Netlink& netlink, std::uint32_t index);
Result<void> add_address(Netlink& netlink, std::uint32_t index, const Address& address, unsigned length);
// Without a gateway: on the link itself. A gateway is taken to be on the link (RTNH_F_ONLINK).
Result<void> add_route(Netlink& netlink, const Prefix& destination, const std::optional<Address>& gateway,
                       std::uint32_t index);
// `state` is NUD_PERMANENT or NUD_STALE. Replaces what is there.
Result<void> set_neighbour(Netlink& netlink, std::uint32_t index, const Address& address, const Mac& mac,
                           std::uint16_t state);
// What is gone already is no error.
void remove_link(Netlink& netlink, std::uint32_t index);
// All links of a group at once: the kernel waits for readers of its tables once, not once for each link, and
// meanwhile holds the lock of all network configuration. Errors: "errno-19" if there is none, what the kernel
// said.
Result<void> remove_links(Netlink& netlink, std::uint32_t group);
void remove_neighbour(Netlink& netlink, std::uint32_t index, const Address& address);

}  // namespace podroute::agent
