// Network namespaces held by a descriptor, and being inside one for a moment.
#pragma once

#include "model/result.h"

namespace podroute::agent {

// A new network namespace. It lives as long as this object, sockets opened inside, or links that other
// processes put there (namespaces(7)): no process is needed, and a kill of the agent ends it too.
class Namespace {
  public:
    // Errors: "pod-unavailable", where the agent may not or the kernel cannot.
    static Result<Namespace> create();
    Namespace(Namespace&& other) noexcept;
    Namespace& operator=(Namespace&&) = delete;
    ~Namespace();

    int fd() const { return fd_; }

  private:
    explicit Namespace(int fd) : fd_(fd) {}
    int fd_;
};

// While it lives the calling thread is in the namespace of `fd`; sockets opened meanwhile stay there. A
// negative fd is the agent's own namespace, and nothing happens. If there is no way back the process ends:
// it must never go on in the wrong network.
class Inside {
  public:
    explicit Inside(int fd);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

    bool entered() const { return entered_; }

  private:
    int home_ = -1;
    bool entered_ = true;
};

}  // namespace podroute::agent
