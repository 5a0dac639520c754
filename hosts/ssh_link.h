// A host reached over SSH, with the agent running on it.
#pragma once

#include <memory>
#include <semaphore>

#include "hosts/bootstrap.h"
#include "hosts/ssh_client.h"
#include "hosts/ssh_session.h"
#include "model/host_link.h"

namespace podroute {

inline constexpr std::ptrdiff_t kProxiedAtOnce = 8;

// Everything that all logins of a run share.
struct LoginContext {
    SshOptions options;
    AgentImage image;
    std::uint32_t image_cksum = 0;
    std::string nonce;  // random letters and digits, of this run
    Watchdog& watchdog;
    std::counting_semaphore<>& jobs;  // held during connect, key exchange, authentication and upload
    std::stop_token cancel;
    // Held during the login by a host behind a proxy: a jump host's sshd drops connections beyond ten that
    // have not yet authenticated (sshd_config(5), MaxStartups).
    mutable std::counting_semaphore<> proxied{kProxiedAtOnce};
    SshLibrary library{};
};

// Logs in, uploads and starts the agent. Errors: any access code of faults.md.
tl::expected<std::unique_ptr<HostLink>, Unknown> open_ssh_link(const InventoryHost& host,
                                                               const LoginContext& context);

}  // namespace podroute
