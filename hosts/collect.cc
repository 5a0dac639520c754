// Collect, bounded in frames, bytes and questions whatever a host answers.
#include "hosts/collect.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <thread>
#include <utility>

#include "hosts/ask.h"
#include "model/collect.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kSlack = std::chrono::seconds(5);        // beyond what the agent itself waits
constexpr auto kPause = std::chrono::milliseconds(10);  // between questions that bring nothing

std::size_t bytes_of(const std::vector<Frame>& frames) {
    std::size_t sum = 0;
    for (const auto& f : frames) sum += f.bytes.size();
    return sum;
}

void count_dropped(HostCatch& caught, std::size_t more) {
    constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
    caught.dropped += static_cast<std::uint32_t>(std::min<std::size_t>(more, kMost - caught.dropped));
}

// False once there was more than is kept.
bool keep(HostCatch& caught, std::vector<Frame> frames, std::size_t& bytes) {
    auto end = frames.begin();
    for (auto room = kMaxCaughtFrames - caught.frames.size(); end != frames.end() && room > 0;
         ++end, --room) {
        if (end->bytes.size() > kMaxCaughtBytes - bytes) break;
        bytes += end->bytes.size();
    }
    caught.frames.insert(caught.frames.end(), std::make_move_iterator(frames.begin()),
                         std::make_move_iterator(end));
    count_dropped(caught, static_cast<std::size_t>(frames.end() - end));
    return end == frames.end();
}

}  // namespace

Result<void> collect(HostLink& link, HostCatch& caught, std::chrono::milliseconds wait,
                     const std::function<bool()>& enough) {
    auto bytes = bytes_of(caught.frames);
    for (const auto until = Clock::now() + wait;;) {
        const auto asked = Clock::now();
        const auto left = std::max(std::chrono::milliseconds(0),
                                   std::chrono::duration_cast<std::chrono::milliseconds>(until - asked));
        auto reply =
            ask<CollectReply>(link, Collect{static_cast<std::uint32_t>(left.count())}, left + kSlack);
        if (!reply) return tl::unexpected(reply.error());
        for (const Frame& frame : reply->frames)
            if (frame.time_us > kLatestTime)
                return failure("agent-failed", "the agent gives a time that no clock has");
        const bool nothing = reply->frames.empty();
        const bool more = collect_is_full(reply->frames.size(), bytes_of(reply->frames));
        count_dropped(caught, reply->dropped);
        if (!keep(caught, std::move(reply->frames), bytes)) return {};
        if (more) continue;
        if (Clock::now() >= until || enough()) return {};
        if (nothing) std::this_thread::sleep_until(asked + kPause);
    }
}

}  // namespace podroute
