// Sockets that answer probes: TCP completes handshakes, UDP echoes.
#pragma once

#include <poll.h>

#include <deque>
#include <span>
#include <vector>

#include "agent/pods.h"
#include "agent/waiting.h"

namespace podroute::agent {

// They answer only while the agent waits in wait(): whatever waits for something else, waits there. Bounded
// in sockets, connections and echoes, so that a flood costs its sender only.
class Listeners {
  public:
    Listeners() = default;
    ~Listeners();
    Listeners(const Listeners&) = delete;
    Listeners& operator=(const Listeners&) = delete;

    // Replaces those there were. Errors: "listener", where = "tcp ADDRESS PORT"; then there are none.
    Result<void> open(const std::vector<Listener>& listeners, const Pods& pods);
    void close_all();
    // Answers until one of `own` has something (true) or `until` passes (false). `until` in the past: looks
    // once.
    bool wait(std::span<const pollfd> own, Clock::time_point until);

  private:
    struct Socket {
        int fd;
        Protocol protocol;
        std::uint32_t echoes_left;
    };
    void serve();
    void echo(Socket& socket);
    void accept_some(int listening);
    void close_finished();

    std::vector<Socket> sockets_;
    std::vector<char> datagram_;
    std::deque<int> connections_;  // oldest first; closed, by a reset, when the other end has
};

}  // namespace podroute::agent
