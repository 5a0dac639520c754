// The check of a host's key against known_hosts, done before anything secret is sent. With ssh_session the
// only user of libssh.
#pragma once

#include <string>
#include <vector>

#include "hosts/ssh_client.h"
#include "hosts/ssh_errors.h"
#include "hosts/ssh_options.h"
#include "model/inventory.h"

namespace podroute {

// The names under which a host may stand in ssh_config and known_hosts, as a person would type them.
std::vector<std::string> names_of(const InventoryHost& host);

// The names under which a host's key may be recorded, and the one that counts.
struct KnownName {
    std::string name;
    std::vector<std::string> all;
};

// Chooses the name under which the host's key is recorded: `known_as`, by which ssh itself looks it up, else
// its name, the FQDN, the address that is connected to, another one; `known_as` where none is. libssh then
// asks the host for a key of the recorded type, so that a key of another type is no mismatch by accident.
// Call it before the key exchange.
KnownName choose_known_hosts_name(SshClient& client, const InventoryHost& host, const std::string& transport,
                                  const std::string& known_as);

// After the key exchange. With accept_new an unknown key is recorded under the name that counts, as ssh does;
// a changed or revoked one never.
tl::expected<void, Unknown> check_host_key(SshClient& client, const LoginTarget& target,
                                           const KnownName& known, const SshOptions& options);

}  // namespace podroute
