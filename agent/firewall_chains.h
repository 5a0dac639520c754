// The chains at which packets of a host may end.
#pragma once

#include <vector>

#include "model/facts.h"

namespace podroute::agent {

// Of nf_tables, all families but arp: base chains that hold a rule or have a policy of drop. A kernel without
// nf_tables has none. Errors: "errno-N", "netlink".
Result<std::vector<FilterChain>> nft_chains();

// The same of iptables-legacy and ip6tables-legacy, by their socket options. A table that is not listed in
// /proc/net is not asked for: that would create it. Errors: "unreadable".
Result<std::vector<FilterChain>> legacy_chains();

}  // namespace podroute::agent
