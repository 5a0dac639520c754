// One line on a terminal that says how far the run is, and vanishes when it is done.
//
// API: construct, then phase(), reached(), read() from any thread, done() before anything else is printed.
// Threads: thread-safe; a thread of its own draws, at most every `interval`, and also names whom it waits
// for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "model/inventory.h"

namespace podroute {

struct ProgressState {
    std::string phase;  // "gathering facts"
    std::size_t hosts = 0, reached = 0, read = 0;
    std::vector<HostId> waiting_for;  // of `hosts`, not read yet
    std::chrono::seconds elapsed{0};
};
// Less than `width` columns, no line break, safe to print.
std::string progress_line(const ProgressState& state, unsigned width, bool utf8);

struct ProgressOptions {
    int fd = 2;
    bool enabled = false;  // fd is a terminal, and not --quiet
    unsigned width = 80;
    bool utf8 = true;
    std::chrono::milliseconds interval{100};
};

class ProgressDisplay {
  public:
    ProgressDisplay(ProgressOptions options, const std::vector<HostId>& hosts);
    ~ProgressDisplay();
    ProgressDisplay(const ProgressDisplay&) = delete;
    ProgressDisplay& operator=(const ProgressDisplay&) = delete;

    void phase(std::string_view name);
    // The phase and counts at once, from who counts but does not name hosts.
    void update(std::string_view phase, std::size_t reached, std::size_t read, std::size_t hosts);
    void reached(const HostId& host);
    void read(const HostId& host);  // its facts are in, or it is known that they will not be
    void say(
        std::string_view line);  // a line of its own above the progress; printed also where there is none
    void done();                 // wipes the line; nothing is drawn afterwards

  private:
    void run();
    void draw();
    void wipe();
    void put(std::string_view bytes) const;

    const ProgressOptions options_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string phase_;
    std::set<HostId> reached_, unread_;
    std::size_t named_ = 0;  // hosts that the constructor was given
    std::size_t hosts_ = 0;
    std::size_t reached_count_ = 0, read_count_ = 0;  // of update()
    bool shown_ = false, done_ = false;
    std::thread drawer_;  // only where enabled
};

}  // namespace podroute
