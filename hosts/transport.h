// A connected socket to a host's sshd: TCP, or the two ends of a ProxyCommand.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "hosts/ssh_errors.h"
#include "model/result.h"

namespace podroute {

// Owns the socket, and the proxy's process where there is one.
class Transport {
  public:
    Transport() = default;
    Transport(int fd, pid_t proxy, int proxy_errors) : fd_(fd), proxy_(proxy), errors_(proxy_errors) {}
    Transport(Transport&& other) noexcept;
    Transport& operator=(Transport&& other) noexcept;
    ~Transport();

    int fd() const { return fd_; }
    // The shortest round trip that the kernel has seen on it (tcp(7), TCP_INFO); nothing where it is no TCP
    // connection of ours.
    std::optional<std::chrono::microseconds> round_trip() const;
    // How the proxy ended, as waitpid(2) says it; nothing where it goes on after a moment, or there is none.
    std::optional<int> proxy_end();
    // What the proxy has written to its standard error so far, at most 4 KB.
    std::string proxy_output() const;

  private:
    int fd_ = -1;
    pid_t proxy_ = -1;
    int errors_ = -1;
};

// Connects by TCP to target.transport (address or name), at most `timeout`. Every address of a name is tried.
tl::expected<Transport, Unknown> connect_tcp(const LoginTarget& target, std::chrono::milliseconds timeout,
                                             const std::stop_token& cancel);

// Starts `command` by /bin/sh with a socket as its standard input and output (ssh_config(5), ProxyCommand);
// %h, %p, %r, %n and %% are expanded.
tl::expected<Transport, Unknown> connect_proxy(const LoginTarget& target, const std::string& command);

std::string expand_proxy_command(const LoginTarget& target, const std::string& command);

}  // namespace podroute
