// Ends what takes too long: shuts a socket down at a deadline, or when the run is cancelled.
//
// libssh's own timeouts start anew with every packet, so a host that drips bytes would never reach them.
// Threads: one of its own for all sockets; add and remove from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

namespace podroute {

class Watchdog {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Watchdog(std::stop_token cancel);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    // A socket under watch. Forget it before it is closed: the destructor does.
    class Guard {
      public:
        Guard() = default;
        Guard(Watchdog& dog, int fd, Clock::time_point deadline);
        Guard(Guard&& other) noexcept;
        Guard& operator=(Guard&& other) noexcept;
        ~Guard();
        void extend(Clock::time_point deadline);
        // True when the watchdog ended it.
        bool fired() const;

      private:
        Watchdog* dog_ = nullptr;
        std::uint64_t id_ = 0;
    };

  private:
    struct Entry {
        int fd;
        Clock::time_point deadline;
        bool fired = false;
    };
    void run(const std::stop_token& ended);

    std::stop_token cancel_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::uint64_t, Entry> entries_;
    std::uint64_t next_ = 1;
    std::jthread thread_;
};

}  // namespace podroute
