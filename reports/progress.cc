#include "reports/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "reports/text.h"

namespace podroute {

std::string progress_line(const ProgressState& state, unsigned width, bool utf8) {
    std::string line = sanitize(state.phase, 60);
    if (state.hosts > 0) {
        line += fmt::format("   {}/{} hosts reached", state.reached, state.hosts);
        if (state.read > 0) line += fmt::format(", {} read", state.read);
    }
    if (state.elapsed.count() > 0) line += fmt::format("   {} s", state.elapsed.count());
    // Names are of use once most hosts are in.
    constexpr std::size_t kFew = 5;
    if (!state.waiting_for.empty() && state.read > 0 && state.waiting_for.size() <= kFew) {
        const std::string start = "   waiting for ";
        const std::size_t used = display_width(line) + start.size() + 1;
        std::vector<std::string> names;
        names.reserve(state.waiting_for.size());
        for (const HostId& host : state.waiting_for) names.push_back(sanitize(host, 80));
        const std::string list = used < width ? list_fitting(names, width - used) : "";
        if (!list.empty() && used + display_width(list) <= width) line += start + list;
    }
    if (!utf8) line = to_ascii(line);
    return display_width(line) < width ? line : wrap(line, width - 1, width - 1).front();
}

ProgressDisplay::ProgressDisplay(ProgressOptions options, const std::vector<HostId>& hosts)
    : options_(options), unread_(hosts.begin(), hosts.end()), named_(unread_.size()), hosts_(named_) {
    if (options_.enabled) drawer_ = std::thread([this] { run(); });
}

ProgressDisplay::~ProgressDisplay() {
    done();
}

void ProgressDisplay::phase(std::string_view name) {
    const std::lock_guard lock(mutex_);
    phase_ = name;
}

void ProgressDisplay::update(std::string_view phase, std::size_t reached, std::size_t read,
                             std::size_t hosts) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    reached_count_ = reached;
    read_count_ = read;
    hosts_ = hosts;
}

void ProgressDisplay::reached(const HostId& host) {
    const std::lock_guard lock(mutex_);
    reached_.insert(host);
}

void ProgressDisplay::read(const HostId& host) {
    const std::lock_guard lock(mutex_);
    unread_.erase(host);
}

void ProgressDisplay::say(std::string_view line) {
    const std::lock_guard lock(mutex_);
    wipe();
    put(std::string(line) + "\n");
}

void ProgressDisplay::done() {
    {
        const std::lock_guard lock(mutex_);
        done_ = true;
        wipe();
    }
    changed_.notify_all();
    if (drawer_.joinable()) drawer_.join();
}

void ProgressDisplay::run() {
    std::unique_lock lock(mutex_);
    // The first line comes after one interval, so that a quick run shows none.
    while (!changed_.wait_for(lock, options_.interval, [this] { return done_; })) draw();
}

void ProgressDisplay::draw() {
    ProgressState state;
    state.phase = phase_;
    state.hosts = hosts_;
    state.reached = std::max(reached_count_, reached_.size());
    state.read = std::max(read_count_, named_ - unread_.size());
    if (reached_count_ == 0) state.waiting_for.assign(unread_.begin(), unread_.end());
    state.elapsed =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
    put("\r" + progress_line(state, options_.width, options_.utf8) + "\x1b[K");
    shown_ = true;
}

void ProgressDisplay::wipe() {
    if (shown_) put("\r\x1b[K");
    shown_ = false;
}

void ProgressDisplay::put(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t n = ::write(options_.fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;  // a terminal that went away is no reason to stop
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

}  // namespace podroute
