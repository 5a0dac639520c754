// What the configuration files of a host name as its pod network.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/facts.h"
#include "model/inventory.h"

namespace podroute {

// As configuration files are read: bits behind the length do not matter. Nothing if it is no prefix.
std::optional<Prefix> lenient_prefix(const std::string& text);

// Of the subnets that a file names, the one that stands where `cidr` should. One that is no prefix (a
// placeholder that was never replaced) counts for the pod CIDRs whose family is not named, in their order.
std::optional<std::string> instead_of(const Prefix& cidr, const InventoryHost& host,
                                      const std::vector<std::string>& subnets);

// The file that the container runtime uses, as a path, and its subnets: the first that is more than the
// loopback's. Both empty if there is none.
std::pair<std::string, std::vector<std::string>> cni_subnets(const HostFacts& facts);

// Of a file of /etc/cni/net.d.
std::string cni_path(const std::string& file);

// The podCIDR of the kubelet's configuration, which may name more than one.
std::vector<std::string> kubelet_subnets(const HostFacts& facts);

}  // namespace podroute
