// Failures of reaching a host, as cause codes with the command that helps. Pure.
#pragma once

#include <string>
#include <string_view>

#include "model/observed.h"

namespace podroute {

// What a message needs to know of the login that failed.
struct LoginTarget {
    std::string name;       // of the inventory
    std::string transport;  // address or name that was connected to
    std::string user;
    unsigned port = 22;
};

// errno of connect(2), 0 for a timeout.
Unknown connect_failed(const LoginTarget& target, int error);
Unknown name_unresolved(const LoginTarget& target, std::string_view why);
// `reason` is libssh's message. Connected, but no session (banner, key exchange, MaxStartups).
Unknown session_failed(const LoginTarget& target, std::string_view reason);
Unknown auth_failed(const LoginTarget& target, std::string_view methods);
// `fingerprint` is what the host presented ("SHA256:..").
Unknown host_key_unknown(const LoginTarget& target, std::string_view fingerprint, std::string_view key_type);
Unknown host_key_mismatch(const LoginTarget& target, std::string_view fingerprint,
                          std::string_view known_hosts_name);
Unknown agent_failed(const LoginTarget& target, std::string why, std::string help = {});
Unknown cancelled();

// Output of the login shell before our own script spoke. A cloud image's "Please login as the user .." is a
// refusal; nothing for anything else. Returns the user it names, empty if none.
std::string login_as_other_user(std::string_view output);
Unknown wrong_user(const LoginTarget& target, std::string_view wanted_user);

// For messages: control characters become '?', at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 200);

}  // namespace podroute
