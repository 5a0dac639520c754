// A small world that packets of a scenario pass: what the rounds would have brought, without a network.
//
// Every pair that may raise an alarm is probed as verify does it: 3 small packets of each protocol, full-size
// ones between hosts, and, for pairs that lost some, 17 more with captures on all hosts, evidence from nodes,
// and smaller sizes. Rules say what is in the way, the first that fits a packet counts:
//
//   "inside": HOST | "leaving": HOST | "entering": HOST  in the host; between hosts, behind its uplink;
//                                                        before
//   "protocol": "tcp"  "sender": HOST  "target": HOST    which packets (their own sender, not the flow's)
//   "from": "pod|node"  "to": "pod|node"  "larger": BYTES  "leg": "request|reply"
//   "keep": N                                            of every 20, N pass; absent: none
//   "first": N                                           of the 3 that are sent first N pass, as by a limit
//   "reject": "3/13" | "reset": true                     says so to the sender; "by": ADDRESS, or the host
//   "answers": true                                      somebody answers what is lost
//   "names": MTU                                         says which size passes
//   "rewrite": ADDRESS                                   nothing is lost, the source is another
//   "leads": HOST                                        to this host instead; "passes": HOST   through it
//   "unknown": WHY                                       nothing is known of the flow
//   "refuses": ERRNO                                     the node itself will not send
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/snapshot.h"

namespace podroute::testing {

struct PacketRule {
    enum class Where { inside, leaving, entering } where = Where::inside;
    HostId host;
    std::optional<Protocol> protocol;
    HostId sender, target;  // empty: any
    std::optional<Vantage> from, to;
    std::optional<ProbeLeg> leg;
    std::uint32_t larger = 0;
    std::uint32_t keep = 0;  // of 20
    std::uint32_t first = 0;
    std::uint8_t reject_type = 0, reject_code = 0;
    bool reset = false;
    bool answers = false;
    std::optional<Address> by;
    std::uint32_t names = 0;
    std::optional<Address> rewrite;
    HostId leads, passes;
    std::string unknown;
    int refuses = 0;
};

// One next hop of a route, how many of 3 packets by it arrived, and of the 17 that are sent if not all did.
struct NextHopProbe {
    HostId source, target;
    Address via;
    std::uint32_t arrived = 0, later = 0;
};

struct PacketWorld {
    std::vector<PacketRule> rules;
    std::vector<Protocol> protocols{Protocol::icmp, Protocol::tcp};
    std::vector<NextHopProbe> next_hops;
    bool ladders = true;  // false: no more large packets are sent, as where too many pairs lost one
    std::vector<HostId> without_pod;  // no synthetic pod could be opened there
    std::vector<HostId> lost;         // its agent is gone when probes are sent
    std::vector<HostId> deaf;         // nothing was listened on there but pods' own links
};

// Adds the rounds to the snapshot.
void send_packets(Snapshot& snapshot, const PacketWorld& world);

}  // namespace podroute::testing
