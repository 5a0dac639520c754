// An SSH session with one exec channel.
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

namespace podroute {

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
