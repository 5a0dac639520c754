// Which round is next.
#include "probes/packet_prober.h"

#include <algorithm>

#include "probes/detail_round.h"
#include "probes/main_round.h"
#include "probes/pod_round.h"
#include "probes/script_reader.h"

namespace podroute {
namespace {

std::size_t rounds_of(const Snapshot& snapshot, RoundStage stage) {
    return static_cast<std::size_t>(std::count_if(snapshot.rounds.begin(), snapshot.rounds.end(),
                                                  [&](const RoundResult& r) { return r.stage == stage; }));
}

}  // namespace

std::optional<RoundPlan> PacketProber::next(const Snapshot& snapshot) {
    if (probed_protocols(snapshot.policy).empty()) return std::nullopt;
    if (rounds_of(snapshot, RoundStage::main) == 0) {
        if (const auto attempts = static_cast<unsigned>(rounds_of(snapshot, RoundStage::pods));
            attempts < kMaxPodAttempts)
            if (auto plan = plan_pod_round(snapshot, attempts, attempts >= kPodAttemptsForTwo)) return plan;
        return plan_main_round(snapshot);
    }
    if (rounds_of(snapshot, RoundStage::detail) == 0) return plan_detail_round(snapshot);
    return std::nullopt;
}

bool PacketProber::complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) {
    if (!settled_ || settled_tag_ != plan.script.tag) {
        settled_.emplace(plan);
        settled_tag_ = plan.script.tag;
    }
    return settled_->complete(host, frames);
}

RoundResult PacketProber::read(const RoundPlan& plan, const Caught& caught) {
    return read_script(plan, caught);
}

std::optional<RoundPlan> ProberChain::next(const Snapshot& snapshot) {
    for (; current_ < probers_.size(); ++current_)
        if (auto plan = probers_[current_]->next(snapshot)) return plan;
    return std::nullopt;
}

bool ProberChain::complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) {
    return current_ >= probers_.size() || probers_[current_]->complete(plan, host, frames);
}

RoundResult ProberChain::read(const RoundPlan& plan, const Caught& caught) {
    return current_ < probers_.size() ? probers_[current_]->read(plan, caught) : RoundResult{};
}

}  // namespace podroute
