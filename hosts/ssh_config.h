// ssh_config(5) and our own options, as a libssh session that is ready to connect. With ssh_session and
// host_key the only users of libssh.
#pragma once

#include <string>

#include "hosts/ssh_client.h"
#include "hosts/ssh_errors.h"
#include "hosts/ssh_options.h"
#include "model/inventory.h"

namespace podroute {

// Where and as whom a host is logged in to.
struct ResolvedLogin {
    LoginTarget target;
    std::string proxy_command;  // empty: TCP
    std::string known_as;       // the name that ssh records its key under: HostName's, else the host's
};
struct Configured {
    SshClient client;
    ResolvedLogin login;
};
Configured configure(const InventoryHost& host, const SshOptions& options);

// "~/x" and libssh's "%d/x" (the directory ~/.ssh) as an absolute path.
std::string expanded_home(const std::string& file);

}  // namespace podroute
