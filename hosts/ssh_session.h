// An SSH session with one exec channel. The only file that knows libssh.
#pragma once

#include <chrono>
#include <memory>
#include <semaphore>
#include <stop_token>
#include <string>
#include <string_view>

#include "hosts/ssh_errors.h"
#include "hosts/ssh_options.h"
#include "hosts/watchdog.h"
#include "model/inventory.h"
#include "model/result.h"

struct ssh_session_struct;

namespace podroute {

// libssh's session before and around the login, by plain values.
class SshClient {
  public:
    enum class Option : std::uint8_t {
        host,
        user,
        port,
        identity,  // set: one more, tried before the others; get: the first
        proxy_command,
        known_hosts,
        global_known_hosts,
        ciphers,
        key_exchange
    };
    SshClient();

    void set(Option option, const std::string& value);
    std::string get(Option option) const;  // empty where it is not set
    // Applies ssh_config(5) for the host that is set; of a HostName it makes the host. Empty: the user's and
    // the system's file.
    void read_config(const std::string& file);

    struct Key {
        std::string type;         // "ed25519", "rsa", "ecdsa"
        std::string fingerprint;  // "SHA256:.."
    };
    enum class Known : std::uint8_t { good, changed, unknown, unreadable };
    // Whether known_hosts has a key for the host that is set; before the key exchange.
    bool key_recorded() const;
    // After the key exchange: the key that was presented, and what known_hosts says of it.
    Key presented() const;
    Known known() const;
    // What a line of known_hosts says of the presented key: it is not for `name`, or has that key or another.
    enum class Line : std::uint8_t { not_for_it, same_key, other_key };
    Line line_says(const std::string& name, const std::string& line) const;
    bool remember_key();
    std::string error() const;

    ssh_session_struct* raw() const { return session_.get(); }

  private:
    struct Free {
        void operator()(ssh_session_struct* session) const;
    };
    std::unique_ptr<ssh_session_struct, Free> session_;
};

// libssh, ready for threads, and SIGPIPE ignored while it lives: a lost host is an error, not the end of us.
class SshLibrary {
  public:
    SshLibrary();
    ~SshLibrary();
    SshLibrary(const SshLibrary&) = delete;
    SshLibrary& operator=(const SshLibrary&) = delete;

  private:
    void (*old_pipe_)(int);
};

// Threads: one at a time; a session is never shared.
class SshSession {
  public:
    // TCP or proxy, key exchange, host key, authentication, in this order: nothing is sent to a host whose
    // key was not checked.
    // `proxied` is held where the way leads through a proxy.
    static tl::expected<SshSession, Unknown> open(const InventoryHost& host, const SshOptions& options,
                                                  Watchdog& watchdog, std::counting_semaphore<>& proxied,
                                                  const std::stop_token& cancel);
    SshSession(SshSession&&) noexcept;
    SshSession& operator=(SshSession&&) noexcept;
    ~SshSession();

    const LoginTarget& target() const;
    std::optional<std::chrono::microseconds> round_trip() const;  // of its connection, see Transport
    // Everything until the next call must be done by `deadline`; after it the socket is shut down and calls
    // fail.
    void set_deadline(Watchdog::Clock::time_point deadline);
    // Opens a channel and runs `command` by the user's shell there. A second call closes the first channel.
    Result<void> exec(const std::string& command);
    Result<void> write(std::string_view bytes);
    // At least one byte; empty at end of output. Errors: "closed" (lost, deadline, cancelled).
    Result<std::string> read();
    // What the command wrote to its standard error so far, bounded.
    std::string error_output();
    // Exit status of the command once its output has ended, -1 if it was not told.
    int exit_status();

  private:
    struct Impl;
    explicit SshSession(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace podroute
