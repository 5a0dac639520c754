// ssh_config(5) and our own options, as a libssh session that is ready to connect. With ssh_session and
// host_key the only users of libssh.
#pragma once

#include <libssh/libssh.h>

#include <memory>
#include <string>

#include "hosts/ssh_errors.h"
#include "hosts/ssh_options.h"
#include "model/inventory.h"

namespace podroute {

struct FreeSession {
    void operator()(ssh_session s) const { ssh_free(s); }
};
using SshHandle = std::unique_ptr<ssh_session_struct, FreeSession>;

// Where and as whom a host is logged in to.
struct ResolvedLogin {
    LoginTarget target;
    std::string proxy_command;  // empty: TCP
};
struct Configured {
    SshHandle session;
    ResolvedLogin login;
};
Configured configure(const InventoryHost& host, const SshOptions& options);

// An option of a session as text, empty where it is not set.
std::string ssh_option(ssh_session session, ssh_options_e which);
// "~/x" and libssh's "%d/x" (the directory ~/.ssh) as an absolute path.
std::string expanded_home(const std::string& file);

}  // namespace podroute
