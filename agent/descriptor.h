// File descriptors that close themselves.
#pragma once

#include <unistd.h>

#include <utility>

#include "agent/close_aside.h"

namespace podroute::agent {

template <auto Close>
class Closing {
  public:
    Closing() = default;
    explicit Closing(int fd) : fd_(fd) {}
    Closing(Closing&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Closing& operator=(Closing&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Closing() { reset(); }

    int get() const { return fd_; }
    bool open() const { return fd_ >= 0; }
    void reset(int fd = -1) {
        if (fd_ >= 0) Close(fd_);
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

using Descriptor = Closing<::close>;
using PacketSocket = Closing<close_aside>;

}  // namespace podroute::agent
