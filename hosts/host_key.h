// The check of a host's key against known_hosts, done before anything secret is sent. With ssh_session the
// only user of libssh.
#pragma once

#include <string>
#include <vector>

#include "hosts/ssh_errors.h"
#include "hosts/ssh_options.h"
#include "model/inventory.h"

struct ssh_session_struct;

namespace podroute {

// The names under which a host may stand in ssh_config and known_hosts, as a person would type them.
std::vector<std::string> names_of(const InventoryHost& host);

// Chooses the name under which the host's key is recorded: its name, else the FQDN, else the address that is
// connected to, else another one; its name where none is. libssh then asks the host for a key of the recorded
// type, so that a key of another type is no mismatch by accident. Call it before the key exchange.
std::string choose_known_hosts_name(ssh_session_struct* session, const InventoryHost& host,
                                    const std::string& transport);

// After the key exchange. With accept_new an unknown key is recorded under `name`, as ssh does; a changed or
// revoked one never.
tl::expected<void, Unknown> check_host_key(ssh_session_struct* session, const LoginTarget& target,
                                           const std::string& name, const SshOptions& options);

}  // namespace podroute
