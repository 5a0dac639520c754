// Sysctls under /proc/sys/net as objects of changes.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "model/result.h"

namespace podroute::agent {

// "ipv4/conf/eth0/forwarding", and nothing that leads elsewhere: names come from outside.
bool valid_sysctl_name(const std::string& name);
// Its value without the line end; nothing where this kernel does not have it. Errors: "bad-change" for a name
// that is none, "unreadable".
Result<std::optional<std::string>> read_sysctl(const std::string& name);
// Errors: "bad-change", "sysctl" with the kernel's words.
Result<void> write_sysctl(const std::string& name, const std::string& value);
// Writes `values` of a sysctl that overwrites others when it is written (`name`, one of them): it first, then
// each that differs. It is not written where it is right already.
Result<void> write_sysctl_set(const std::string& name, const std::map<std::string, std::string>& values);

}  // namespace podroute::agent
