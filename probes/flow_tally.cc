// Counts of one flow.
#include "probes/flow_tally.h"

#include <algorithm>

namespace podroute {
namespace {

constexpr std::size_t kMaxObjections = 16, kMaxSightings = 64;  // kept of one flow
constexpr std::uint32_t kRepeatedAfter = 900'000;               // us, beyond the shortest round trip

std::uint32_t count_of(const FlowTally::Numbers& numbers) {
    return static_cast<std::uint32_t>(numbers.count());
}

}  // namespace

void FlowTally::sight(const HostId& host, const CapturePoint& point, ProbeLeg leg, bool leaving,
                      std::uint16_t nth) {
    for (Seen& s : sightings_) {
        if (s.point != &point || s.leg != leg || s.leaving != leaving) continue;
        s.numbers.set(nth);
        return;
    }
    if (sightings_.size() >= kMaxSightings) return;
    sightings_.push_back({&host, &point, leg, leaving, {}});
    sightings_.back().numbers.set(nth);
}

void FlowTally::note(std::vector<std::uint64_t>& times, std::uint16_t nth, std::uint64_t time_us) const {
    if (times.empty()) times.resize(flow_.count);
    auto& at = times[nth];
    if (at == 0 || time_us < at) at = time_us;
}

void FlowTally::left(std::uint16_t nth, std::uint64_t time_us) {
    note(left_us_, nth, time_us);
}

void FlowTally::arrive(std::uint16_t nth, const Address& source) {
    arrived_.set(nth);
    if (source != flow_.source.address) source_seen_ = source;
}

void FlowTally::come_back(std::uint16_t nth, const SeenPacket& seen, std::uint64_t time_us) {
    if (seen.kind == SeenKind::objection) return object(nth, seen);
    note(back_us_, nth, time_us);
    if (seen.kind == SeenKind::reply) {
        answered_.set(nth);
        return;
    }
    reset_.set(nth);
    if (!reset_by_) reset_by_ = Objection{seen.source, 0, 0, true, 0, seen.hop_limit, 0};
}

void FlowTally::object(std::uint16_t nth, const SeenPacket& seen) {
    const Objection one{seen.source, seen.type, seen.code, false, seen.mtu, seen.hop_limit, 0};
    for (ObjectionSeen& o : objections_) {
        if (o.objection != one) continue;
        o.numbers.set(nth);
        return;
    }
    if (objections_.size() >= kMaxObjections) return;
    objections_.push_back({one, {}});
    objections_.back().numbers.set(nth);
}

void FlowTally::keep_back(std::uint16_t nth, int error) {
    if (arrived_.test(nth) || kept_back_.test(nth)) return;
    kept_back_.set(nth);
    not_sent_[error].set(nth);
}

std::uint64_t FlowTally::round_trip(std::uint16_t nth) const {
    if (left_us_.empty() || back_us_.empty()) return UINT64_MAX;
    const auto left = left_us_[nth], back = back_us_[nth];
    return left != 0 && back >= left ? back - left : UINT64_MAX;
}

std::uint64_t FlowTally::least_round_trip() const {
    std::uint64_t least = UINT64_MAX;
    for (std::uint16_t i = 0; i < flow_.count; ++i) least = std::min(least, round_trip(i));
    return least;
}

void FlowTally::drop_repeated(std::uint64_t least) {
    if (flow_.protocol != Protocol::tcp) return;
    for (std::uint16_t i = 0; i < flow_.count; ++i)
        if (round_trip(i) != UINT64_MAX && round_trip(i) - least > kRepeatedAfter) answered_.reset(i);
}

bool FlowTally::whole() const {
    return arrived_.count() == flow_.count && answered_.count() == flow_.count;
}

void FlowTally::tell(ProbeResult& result, bool listened, bool paths) const {
    // A reset that its target sent, because the probe arrived there and nothing listens, is an answer; any
    // other is forged, by a filter of the target's host too.
    const Numbers refused = listened ? Numbers() : reset_ & arrived_, forged = reset_ & ~refused & ~answered_;
    const Numbers answered = answered_ | refused;
    result.sent = flow_.count;
    for (const auto& [error, numbers] : not_sent_) {
        result.not_sent.push_back({error, count_of(numbers)});
        result.sent -= result.not_sent.back().count;
    }
    result.arrived = count_of(arrived_);
    result.answered = count_of(answered);
    result.source_seen = source_seen_;
    for (std::uint16_t i = 0; i < flow_.count; ++i)
        if (answered.test(i) && round_trip(i) != UINT64_MAX)
            result.round_trips_us.push_back(
                static_cast<std::uint32_t>(std::min<std::uint64_t>(round_trip(i), UINT32_MAX)));
    tell_objections(result, forged);
    const bool healthy =
        result.arrived == result.sent && result.answered == result.sent && !result.source_seen;
    if (paths || !healthy) tell_sightings(result);
}

void FlowTally::tell_objections(ProbeResult& result, const Numbers& forged) const {
    const auto add = [&](Objection objection, const Numbers& numbers) {
        objection.count = count_of(numbers);
        result.objections.push_back(objection);
    };
    for (const ObjectionSeen& seen : objections_) add(seen.objection, seen.numbers);
    if (forged.any()) add(*reset_by_, forged);
}

void FlowTally::tell_sightings(ProbeResult& result) const {
    for (const Seen& s : sightings_)
        result.sightings.push_back({*s.host, s.point->interface, s.leg, s.leaving, count_of(s.numbers)});
}

}  // namespace podroute
