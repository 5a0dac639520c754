// Which ordered pairs are probed. Pure.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "probes/sites.h"

namespace podroute {

struct SitePair {
    Site source, destination;
};

// Neighbours on a ring of `names`, ordered by their hashes: ordered pairs of indexes, without a name to
// itself, in which each is source of exactly k and target of exactly k others (all of them where there are no
// more). The same names in any order give the same pairs. Steps along the ring double, so that few of them
// lead from anywhere to anywhere.
std::vector<std::pair<std::size_t, std::size_t>> ring_pairs(std::span<const std::string> names,
                                                            std::size_t k);

// For n pod networks: ceil(log2 n) + 1.
std::size_t ring_degree(std::size_t n);

// The pairs that may raise an alarm (faults.md): pod to pod across nodes and within one, control host to pod
// and back; within a family. Policy::pairs_per_cidr thins out pod to pod across nodes, Policy::only keeps
// what begins or ends at one of those hosts, Policy::pair that pair alone, both ways; of two pods of one
// network the one to its neighbour.
std::vector<SitePair> verdict_pairs(const Sites& sites, const Policy& policy);

// What tells where a failed pair is lost: pod to node, node to pod, node to node; those that are no verdict
// pairs.
std::vector<SitePair> evidence_pairs(const Sites& sites, std::span<const SitePair> failed);

}  // namespace podroute
