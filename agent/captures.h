// Packet sockets that catch what a filter lets through.
#pragma once

#include <poll.h>

#include <vector>

#include "agent/descriptor.h"
#include "agent/pods.h"
#include "agent/wall_clock.h"

namespace podroute::agent {

// The captures of one agent, in its own namespace and those of its pods. They end with it; opening anew
// replaces them.
class Captures {
  public:
    Captures();
    ~Captures();
    Captures(const Captures&) = delete;
    Captures& operator=(const Captures&) = delete;

    // Errors: "packet-socket"; then there are none.
    Result<void> open(const std::vector<Capture>& captures, const Pods& pods);
    void close_all();
    // Ready where something was caught; none while a reply is full.
    std::vector<pollfd> polled() const;
    // Takes what the kernel has caught; what a reply has no room for stays there. A frame's time is when the
    // kernel saw it (SO_TIMESTAMPNS), on the monotonic clock of the host.
    void drain();
    bool empty() const { return caught_.frames.empty(); }
    // All that was drained since the last time.
    CollectReply take();

  private:
    struct Socket {
        int fd;
        Capture capture;
        std::uint32_t taken = 0;
    };
    bool full() const;
    bool drain(Socket& socket);  // true: there may be more
    void count_dropped(std::uint32_t more);

    // The kernel stamps packets while a socket wants it, and begins a while after the first one asked
    // (net_enable_timestamp() of net/core/dev.c); one that was not stamped has the time at which it is read.
    Descriptor wants_stamps_;
    std::vector<Socket> sockets_;
    std::vector<std::uint8_t> buffer_;
    CollectReply caught_;
    WallClock wall_;
    std::size_t bytes_ = 0;  // in caught_
};

}  // namespace podroute::agent
