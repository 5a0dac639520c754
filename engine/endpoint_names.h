// What a person calls an end of a pair, and which endpoint that is.
#pragma once

#include <string_view>
#include <utility>

#include "model/endpoint.h"
#include "model/result.h"

namespace podroute {

// A host's name or FQDN: its pods, or the node itself where it holds none. A node's address: the node. An
// address inside a pod CIDR: that pod. Errors "bad-endpoint" list the hosts.
Result<Endpoint> resolve_endpoint(const Inventory& inventory, std::string_view text, Family family);
// Both ends, of one family: that of an address among them, else IPv4 where both have it. Two ends that are
// nodes, and a node with itself, are refused: such packets prove nothing of pods.
Result<std::pair<Endpoint, Endpoint>> resolve_pair(const Inventory& inventory, std::string_view source,
                                                   std::string_view destination);

}  // namespace podroute
