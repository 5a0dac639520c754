// Which descriptors are waited for.
#include "agent/armed.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace podroute::agent {
namespace {

constexpr std::uint32_t kMaxWait = 10'000;  // ms

}  // namespace

Result<void> Armed::arm(const Arm& request, const Pods& pods) {
    // Captures first: they see what comes to a listener from its first packet on.
    auto armed = captures_.open(request.captures, pods);
    if (armed) armed = listeners_.open(request.listeners, pods);
    if (!armed) close();
    return armed;
}

void Armed::close() {
    captures_.close_all();
    listeners_.close_all();
}

void Armed::attend_once(Clock::time_point until) {
    auto own = captures_.polled();
    own.push_back({STDIN_FILENO, POLLRDHUP, 0});  // its end, not its bytes
    if (listeners_.wait(own, until)) captures_.drain();
}

void Armed::attend(Clock::time_point until) {
    do attend_once(until);
    while (Clock::now() < until && controller_there());
}

CollectReply Armed::collect(std::uint32_t wait_ms) {
    const auto until = Clock::now() + std::chrono::milliseconds(std::min(wait_ms, kMaxWait));
    attend_once(Clock::now());
    while (captures_.empty() && Clock::now() < until && controller_there()) attend_once(until);
    return captures_.take();
}

bool Armed::wait_for_input(std::chrono::milliseconds patience, const Aside& aside) {
    const auto until = Clock::now() + patience;
    for (;;) {
        std::array<pollfd, 2> own{
            {{STDIN_FILENO, POLLIN, 0}, {aside.descriptor ? aside.descriptor() : -1, POLLIN, 0}}};
        if (!listeners_.wait(own, until)) return false;
        poll(own.data(), own.size(), 0);  // which of the two it was
        if (own[1].revents != 0) aside.ready();
        if (own[0].revents != 0) return true;
    }
}

}  // namespace podroute::agent
