// Kernel settings as the checks read them, and as commands and remedies write them.
#pragma once

#include <string>

#include "model/change.h"
#include "model/facts.h"

namespace podroute {

struct Setting {
    enum class State : std::uint8_t { value, absent, unreadable } state = State::absent;
    int number = 0;   // of a value
    std::string why;  // of an unreadable one

    bool is(int n) const { return state == State::value && number == n; }
    bool known() const { return state == State::value; }
};

// `name` as the keys of HostFacts::sysctls. A value that is no number is unreadable.
Setting read_setting(const HostFacts& facts, const std::string& name);
// max(all, link), net/ipv4: what the kernel goes by.
Setting effective_rp_filter(const HostFacts& facts, const std::string& link);

// "net.ipv4.ip_forward"; with slashes where the link's name has a dot, as sysctl(8) wants it.
std::string setting_name(const std::string& name);
HostChange setting_change(const HostId& host, const HostFacts& facts, const std::string& name, int value);
// "ssh root@node-0 sysctl -w net.ipv4.ip_forward=1"; empty where the name is none to paste.
std::string setting_command(const HostId& host, const std::string& name, int value);

}  // namespace podroute
