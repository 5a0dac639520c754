// Packet sockets: captures with a filter, and frames sent as they are.
#pragma once

#include <vector>

#include "model/wire.h"

namespace podroute::agent {

// The captures of one agent. They end with it; arming anew replaces them.
class Packets {
  public:
    Packets() = default;
    ~Packets();
    Packets(const Packets&) = delete;
    Packets& operator=(const Packets&) = delete;

    Result<void> arm(const std::vector<Capture>& captures);
    Result<std::uint32_t> fire(const std::vector<Frame>& frames);
    // Waits until at least one frame is there, at most wait_ms; then takes all that are.
    CollectReply collect(std::uint32_t wait_ms);

  private:
    struct Socket {
        int fd;
        Capture capture;
        std::uint32_t taken = 0;
    };
    void close_all();
    void drain(Socket& socket, CollectReply& reply);

    std::vector<Socket> sockets_;
};

}  // namespace podroute::agent
