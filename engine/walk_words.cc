// One line a pair.
#include "engine/walk_words.h"

#include <utility>

#include "engine/packet_words.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxLines = 4;

std::string leg_text(const Leg& leg, const char* name) {
    return std::string(name) + " stops at " + leg.stopped_at + ": " + leg.reason;
}

}  // namespace

std::string stop_text(const Flow& flow, const Walk& walk) {
    const std::string pair = to_string(flow.source) + " → " + to_string(flow.destination) + "   ";
    if (walk.request.status == WalkStatus::broken) return pair + leg_text(walk.request, "request");
    const bool arrives = walk.request.status == WalkStatus::pass;
    return pair + (arrives ? "request arrives, " : "") + leg_text(walk.reply, "reply");
}

void PairLines::add(std::string line) {
    ++count_;
    if (lines_.size() < kMaxLines) lines_.push_back(std::move(line));
}

void PairLines::write(std::vector<std::string>& evidence) const {
    evidence.insert(evidence.end(), lines_.begin(), lines_.end());
    if (count_ > lines_.size()) evidence.push_back(more_text(count_ - lines_.size(), "pair"));
}

}  // namespace podroute
