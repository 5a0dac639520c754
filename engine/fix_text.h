// Fixes in words: what a change is of, how it looks before and after, and what a person would type.
#pragma once

#include <string>
#include <vector>

#include "model/facts.h"
#include "model/fix.h"

namespace podroute {

// "10.200.1.0/24", "10.200.1.0/24 table 100 metric 50", "net.ipv4.ip_forward", "10.240.0.21 dev eth0".
std::string object_text(const Object& object, const HostFacts& facts);
// The lines of a state: a route as `ip route` prints it, "net.ipv4.ip_forward = 1". Absent: none.
std::vector<std::string> state_lines(const Object& object, const std::optional<State>& state,
                                     const HostFacts& facts);
// "- ..." of what is gone and "+ ..." of what is new; what stays the same is left out.
std::vector<std::string> change_diff(const Change& change, const HostFacts& facts);
// "ssh root@node-0 ip route add 10.200.1.0/24 via 10.240.0.21 proto 112". Empty where there is no such
// command, or a name in it is not one to paste into a shell.
std::string change_command(const HostId& host, const Change& change, const HostFacts& facts);
// A fix that is yet to be applied. Its id is "HOST/CAUSE/OBJECT".
Fix planned_fix(const HostId& host, const std::string& cause, Change change, const HostFacts& facts);
// What takes a change back.
Change reversed(const Change& change);

}  // namespace podroute
