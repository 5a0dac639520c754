// Routes and rules in the words of iproute2, and the commands that change them.
#pragma once

#include <string>

#include "model/change.h"
#include "model/facts.h"

namespace podroute {

// The name of a link, "if7" if it is not in the dump.
std::string link_name(const HostFacts& facts, std::uint32_t ifindex);
const Link* find_link(const HostFacts& facts, std::uint32_t ifindex);

std::string type_name(RouteType type);  // "blackhole", "throw"

// "10.200.1.0/24 via 10.240.0.21 dev eth0", "blackhole 10.200.1.0/24 table 100 metric 50". Every leg of a
// multipath route; at most 8 are written out.
std::string route_text(const Route& route, const HostFacts& facts);
// As route_text(), of the kernel's answer.
std::string answer_text(const FibAnswer& answer, const HostFacts& facts);
// "no match (network is unreachable)" and the like, for an errno of a lookup that no route answered.
std::string error_text(int error);
// "100: from 10.200.0.0/24 lookup 100"
std::string rule_text(const Rule& rule);

// Whole commands to type on the jumpbox: "ssh root@node-0 ip route replace ...". as_logged_in() makes them
// those of the user that podroute was logged in as.
std::string on_host(const HostId& host, const std::string& command);
std::string route_command(const std::string& verb, const Route& route, const HostFacts& facts);
std::string rule_del_command(const Rule& rule);

// The metric that the kernel gives where none is written.
std::uint32_t default_metric(Family family);

}  // namespace podroute
