// The thread that watches deadlines.
#include "hosts/watchdog.h"

#include <sys/socket.h>

#include <utility>

namespace podroute {
namespace {
constexpr auto kTick = std::chrono::milliseconds(20);
}

Watchdog::Watchdog(std::stop_token cancel) : cancel_(std::move(cancel)) {
    thread_ = std::jthread([this](const std::stop_token& ended) { run(ended); });
}

Watchdog::~Watchdog() {
    thread_.request_stop();
    thread_.join();
}

void Watchdog::run(const std::stop_token& ended) {
    std::unique_lock lock(mutex_);
    while (!ended.stop_requested()) {
        const auto now = Clock::now();
        for (auto& [id, entry] : entries_) {
            if (entry.fired || (now < entry.deadline && !cancel_.stop_requested())) continue;
            entry.fired = true;
            shutdown(entry.fd, SHUT_RDWR);
        }
        changed_.wait_for(lock, ended, kTick, [] { return false; });
    }
}

Watchdog::Guard::Guard(Watchdog& dog, int fd, Clock::time_point deadline) : dog_(&dog) {
    const std::scoped_lock lock(dog.mutex_);
    id_ = dog.next_++;
    dog.entries_.emplace(id_, Entry{fd, deadline});
}

Watchdog::Guard::Guard(Guard&& other) noexcept : dog_(std::exchange(other.dog_, nullptr)), id_(other.id_) {}

Watchdog::Guard& Watchdog::Guard::operator=(Guard&& other) noexcept {
    std::swap(dog_, other.dog_);
    std::swap(id_, other.id_);
    return *this;
}

Watchdog::Guard::~Guard() {
    if (dog_ == nullptr) return;
    const std::scoped_lock lock(dog_->mutex_);
    dog_->entries_.erase(id_);
}

void Watchdog::Guard::extend(Clock::time_point deadline) {
    const std::scoped_lock lock(dog_->mutex_);
    dog_->entries_.at(id_).deadline = deadline;
}

bool Watchdog::Guard::fired() const {
    const std::scoped_lock lock(dog_->mutex_);
    return dog_->entries_.at(id_).fired;
}

}  // namespace podroute
