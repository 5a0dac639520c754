// A bare libssh login of every host: connect, key exchange, host key, authentication, one thread per host.
// What `podroute verify` is measured against; it reads nothing and runs nothing.
//
// Usage: bench-login SSH_CONFIG HOST.. (inside a lab's jumpbox namespace; it refuses to run in the machine's
// own network namespace).
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

constexpr std::ptrdiff_t kAtOnce = 64;

bool login(const char* config, const char* host) {
    ssh_session session = ssh_new();
    if (session == nullptr) return false;
    ssh_options_set(session, SSH_OPTIONS_HOST, host);
    ssh_options_parse_config(session, config);
    const bool good = ssh_connect(session) == SSH_OK &&
                      ssh_session_is_known_server(session) == SSH_KNOWN_HOSTS_OK &&
                      ssh_userauth_publickey_auto(session, nullptr, nullptr) == SSH_AUTH_SUCCESS;
    if (!good) std::fprintf(stderr, "%s: %s\n", host, ssh_get_error(session));
    ssh_disconnect(session);
    ssh_free(session);
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    // The lab puts this file on each host's private /run; nowhere else is it found.
    if (access("/run/podroute-lab-host", F_OK) != 0) {
        std::fputs("bench-login: not in a lab's host; use podroute-lab exec jumpbox\n", stderr);
        return 2;
    }
    ssh_init();
    std::counting_semaphore<> slots(kAtOnce);
    std::atomic<int> failed{0};
    std::vector<std::jthread> threads;
    for (int i = 2; i < argc; ++i)
        threads.emplace_back([&, host = argv[i]] {
            slots.acquire();
            if (!login(argv[1], host)) ++failed;
            slots.release();
        });
    threads.clear();
    ssh_finalize();
    return failed == 0 ? 0 : 1;
}
