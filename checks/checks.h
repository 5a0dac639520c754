// The checks' functions, for registry.cc. Each stands in the file of its name.
#pragma once

#include <vector>

#include "engine/expected.h"
#include "engine/probe_facts.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

std::vector<Verdict> pod_cidrs_disjoint(const Snapshot& snapshot, const Expected& expected,
                                        const ProbeFacts& facts);
std::vector<Verdict> host_access(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> address_present(const Snapshot& snapshot, const Expected& expected,
                                     const ProbeFacts& facts);
std::vector<Verdict> address_unique(const Snapshot& snapshot, const Expected& expected,
                                    const ProbeFacts& facts);
std::vector<Verdict> link_up(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> route_present(const Snapshot& snapshot, const Expected& expected,
                                   const ProbeFacts& facts);
std::vector<Verdict> pod_cidr_own(const Snapshot& snapshot, const Expected& expected,
                                  const ProbeFacts& facts);
std::vector<Verdict> forwarding_enabled(const Snapshot& snapshot, const Expected& expected,
                                        const ProbeFacts& facts);
std::vector<Verdict> reverse_path(const Snapshot& snapshot, const Expected& expected,
                                  const ProbeFacts& facts);
std::vector<Verdict> datapath_native(const Snapshot& snapshot, const Expected& expected,
                                     const ProbeFacts& facts);
std::vector<Verdict> firewall_single(const Snapshot& snapshot, const Expected& expected,
                                     const ProbeFacts& facts);
std::vector<Verdict> conntrack_room(const Snapshot& snapshot, const Expected& expected,
                                    const ProbeFacts& facts);
std::vector<Verdict> neighbour_room(const Snapshot& snapshot, const Expected& expected,
                                    const ProbeFacts& facts);
std::vector<Verdict> probe_ready(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> pod_icmp(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> pod_tcp(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> pod_udp(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> path_mtu(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> path_hops(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);
std::vector<Verdict> next_hops(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts);

}  // namespace podroute
