// Failures of reaching a host, as cause codes with the command that helps. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/observed.h"

namespace podroute {

// In all of them `help` is one line that can be pasted on the jumpbox, or empty; what can only be done
// elsewhere stands in `why`.

// What a message needs to know of the login that failed.
struct LoginTarget {
    std::string name;       // of the inventory
    std::string transport;  // address or name that was connected to
    std::string user;
    unsigned port = 22;
    bool proxied = false;  // by ProxyCommand or ProxyJump: the jumpbox itself cannot connect to it
};

// "ssh [-p PORT] USER@NAME"
std::string ssh_command(const LoginTarget& target);

// errno of connect(2), 0 for a timeout.
Unknown connect_failed(const LoginTarget& target, int error);
Unknown name_unresolved(const LoginTarget& target, std::string_view why);
// `reason` is libssh's message. Connected, if by a proxy, but no session (banner, key exchange, MaxStartups).
Unknown session_failed(const LoginTarget& target, std::string_view reason);
Unknown auth_failed(const LoginTarget& target, std::string_view methods);
// Where a host's key stands, or would.
struct KnownHostsPlace {
    std::string entry;  // the name of its lines: "node-0", or "[node-0]:2222"
    std::string file;   // empty: ~/.ssh/known_hosts
};
// `fingerprint` is what the host presented ("SHA256:.."), `key_type` is "ed25519", "rsa" or "ecdsa".
Unknown host_key_unknown(const LoginTarget& target, std::string_view fingerprint, std::string_view key_type,
                         const KnownHostsPlace& place);
// `places` are all that hold another key of the host.
Unknown host_key_mismatch(const LoginTarget& target, std::string_view fingerprint,
                          const std::vector<KnownHostsPlace>& places);
Unknown host_key_revoked(const LoginTarget& target, std::string_view fingerprint, std::string_view key_type);
Unknown agent_failed(const LoginTarget& target, std::string why, std::string help = {});
Unknown cancelled();

// Output of the login shell before our own script spoke. A cloud image's "Please login as the user .." is a
// refusal; nothing for anything else. Returns the user it names, empty if none.
std::string login_as_other_user(std::string_view output);
Unknown wrong_user(const LoginTarget& target, std::string_view wanted_user);

// `said` is what the proxy wrote: it could not connect to the host.
Unknown proxy_failed(const LoginTarget& target, std::string_view said);
// The proxy let no word of the host's sshd through: nothing is known of the host. `end` is what became of it
// ("ended with status 1").
Unknown proxy_useless(const LoginTarget& target, std::string_view end, std::string_view said);
// What a ProxyCommand wrote to its standard error says of the host behind it: it could not be connected to.
// That a jump host could not be is no word about the host.
bool proxy_says_unreachable(std::string_view output);

// One word of a command for sh(1).
std::string shell_quoted(std::string_view word);

// For messages: control characters become '?', at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 200);

}  // namespace podroute
