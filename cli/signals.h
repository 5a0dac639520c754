// SIGINT, SIGTERM and SIGHUP cancel the run; a second one ends it at once.
#pragma once

#include <stop_token>
#include <thread>

namespace podroute::cli {

// Blocks the three signals for this thread and those it starts, so make one before any thread. Threads: one
// of its own, which waits for them.
class CancelOnSignal {
  public:
    CancelOnSignal();
    ~CancelOnSignal();
    CancelOnSignal(const CancelOnSignal&) = delete;
    CancelOnSignal& operator=(const CancelOnSignal&) = delete;

    std::stop_token token() const { return source_.get_token(); }

  private:
    std::stop_source source_;
    std::jthread waiter_;
};

}  // namespace podroute::cli
