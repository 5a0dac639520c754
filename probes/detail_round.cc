// From the main round's losses to questions.
#include "probes/detail_round.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "model/endpoint_hash.h"
#include "model/refusal.h"
#include "probes/main_round.h"

namespace podroute {
namespace {

constexpr std::uint32_t kApart = 20'000, kLeastApart = 1'000;  // us
constexpr std::uint32_t kLeastWait = 50, kMostWait = 300;      // ms
constexpr std::uint32_t kRoundTrips = 4;                       // of the largest seen, that are waited for
constexpr std::uint16_t kWatched = 17;                         // probes of a pair, for their places alone
constexpr std::uint16_t kTries = 2;                            // probes of one smaller size
// Links with PPPoE, VXLAN, WireGuard, IPsec and other tunnels, in bytes; the least of IPv6 and of IPv4 at the
// end.
constexpr std::array<std::uint32_t, 13> kUsualSizes{8950, 4000, 1500, 1492, 1480, 1460, 1450,
                                                    1420, 1400, 1380, 1350, 1280, 576};

class SiteFinder {
  public:
    explicit SiteFinder(const Sites& sites) {
        for (const PodSite& site : sites.pods) {
            add(site.pod);
            if (site.neighbour) add(*site.neighbour);
        }
        for (const auto* nodes : {&sites.control, &sites.nodes})
            for (const Site& site : *nodes) add(site);
    }
    const Site* at(const Endpoint& endpoint) const {
        const auto found = sites_.find(endpoint);
        return found == sites_.end() ? nullptr : found->second;
    }
    std::optional<SitePair> pair(const ProbeResult& result) const {
        const auto from = sites_.find(result.source), to = sites_.find(result.destination);
        if (from == sites_.end() || to == sites_.end()) return std::nullopt;
        return SitePair{*from->second, *to->second};
    }

  private:
    void add(const Site& site) { sites_.emplace(site.endpoint, &site); }
    std::unordered_map<Endpoint, const Site*, EndpointHash> sites_;
};

bool dead(const ProbeResult& r) {
    return r.answered == 0 || r.arrived == 0;
}
std::uint32_t tried(const ProbeResult& r) {
    return r.sent + refused(r.source, r.not_sent);
}
bool lossy(const ProbeResult& r) {
    return std::min(r.answered, r.arrived) < tried(r);
}

class Planner {
  public:
    explicit Planner(const Snapshot& snapshot)
        : snapshot_(snapshot),
          sites_(sites_of(snapshot)),
          finder_(sites_),
          builder_(snapshot, RoundStage::detail),
          round_trips_us_(largest_round_trips()),
          round_trip_ms_(largest_round_trip()),
          wait_ms_(wait()),
          apart_us_(
              std::clamp((std::max(snapshot.policy.timeout_ms, wait_ms_) - wait_ms_) * 1000 / kLossSample,
                         kLeastApart, kApart)) {
        for (const RoundResult& round : snapshot.rounds)
            if (round.stage == RoundStage::main) main_ = &round;
    }

    std::optional<RoundPlan> plan() {
        if (main_ == nullptr) return std::nullopt;
        sort_out();
        if (lost_.empty() && large_.empty() && next_hops_.empty()) return std::nullopt;
        add_top_ups();
        // Of pairs that nothing is known of: what could not be answered in time is no evidence.
        if (round_trip_ms_ <= wait_ms_)
            for (const auto& [protocol, pairs] : dead_) add_evidence(protocol, pairs);
        if (snapshot_.policy.trace == Trace::failed)
            for (const auto& [protocol, pairs] : dead_) add_hop_limits(builder_, pairs, protocol, apart_us_);
        for (const Large& large : large_) add_sizes(large);
        for (const ProbeResult* result : next_hops_) add_next_hop(*result);
        if (snapshot_.policy.trace != Trace::none) builder_.watch_paths();
        RoundPlan plan = builder_.finish(wait_ms_);
        if (plan.script.flows.empty()) return std::nullopt;
        return plan;
    }

  private:
    using Ends = std::pair<Endpoint, Endpoint>;
    using EndsSet = std::unordered_set<Ends, EndpointHash>;
    using RoundTrips = std::unordered_map<Ends, std::uint32_t, EndpointHash>;  // us
    struct Large {
        const ProbeResult* lost;
        Protocol protocol;
    };

    // What large packets of a pair are sent as. Where a filter takes every echo, as SYNs with a payload.
    std::optional<Protocol> large_as(const ProbeResult& full_size) const {
        Ends ends{full_size.source, full_size.destination};
        // Where a ring has no such pair, answers of the one the other way took this way.
        if (!probed_.contains(ends)) std::swap(ends.first, ends.second);
        if (echo_passes_.contains(ends)) return Protocol::icmp;
        if (tcp_works_.contains(ends)) return Protocol::tcp;
        return std::nullopt;
    }

    void sort_out() {
        for (const ProbeResult& r : main_->probes) {
            if (!r.unknown.empty() || r.purpose != Purpose::verdict) continue;
            probed_.emplace(r.source, r.destination);
            if (lossy(r)) lost_.push_back(&r);
            if (dead(r)) {
                if (auto pair = finder_.pair(r)) dead_[r.protocol].push_back(std::move(*pair));
            } else if (r.protocol == Protocol::icmp) {
                echo_passes_.emplace(r.source, r.destination);
            }
            if (r.protocol == Protocol::tcp && !lossy(r)) tcp_works_.emplace(r.source, r.destination);
        }
        EndsSet large_lost;
        for (const ProbeResult& r : main_->probes) {
            if (!r.unknown.empty()) continue;
            if (r.purpose == Purpose::full_size && lossy(r) && large_.size() < kMaxLadders) {
                const auto as = large_as(r);
                if (as) large_.push_back({&r, *as});
                if (as == Protocol::icmp) large_lost.emplace(r.source, r.destination);
            }
            if (r.purpose == Purpose::next_hop && arrivals(r) < r.sent && next_hops_.size() < kMaxLegs)
                next_hops_.push_back(&r);
        }
        // One lost packet of a pair may be lost for its size or by chance: more small ones tell which.
        for (const ProbeResult& r : main_->probes)
            if (r.unknown.empty() && r.purpose == Purpose::verdict && r.protocol == Protocol::icmp &&
                !lossy(r) && large_lost.contains({r.source, r.destination}))
                lost_.push_back(&r);
        // A count of what is lost needs them more than a pair that is dead.
        std::stable_partition(lost_.begin(), lost_.end(), [](const ProbeResult* r) { return !dead(*r); });
    }

    // Where a pair has its sample already, only what shows where they are lost.
    std::uint16_t top_up(const ProbeResult& result) const {
        if (tried(result) < kLossSample) return static_cast<std::uint16_t>(kLossSample - tried(result));
        return snapshot_.policy.trace == Trace::failed ? kWatched : 0;
    }

    void add_top_ups() {
        std::size_t added = 0;
        for (const ProbeResult* result : lost_) {
            const auto pair = finder_.pair(*result);
            const std::uint16_t count = top_up(*result);
            if (!pair || count == 0 || !answered_in_time(*result) || added++ >= kMaxTopUps) continue;
            FlowRequest request;
            request.protocol = result->protocol;
            request.count = count;
            request.spacing_us = apart_us_;
            builder_.add(*pair, request);
        }
    }

    void add_evidence(Protocol protocol, const std::vector<SitePair>& pairs) {
        auto evidence = evidence_pairs(sites_, pairs);
        if (evidence.size() > kMaxEvidence) evidence.resize(kMaxEvidence);
        for (const SitePair& pair : evidence) {
            FlowRequest request;
            request.protocol = protocol;
            request.purpose = Purpose::evidence;
            request.count = 3;
            request.spacing_us = apart_us_;
            builder_.add(pair, request);
        }
    }

    // Of full size the rest of kLossSample: whether it is the size or chance shows in nothing less.
    void add_sizes(const Large& large) {
        const ProbeResult& lost = *large.lost;
        const auto pair = finder_.pair(lost);
        if (!pair) return;
        const Family family = lost.source.address.family();
        FlowRequest full;
        full.protocol = large.protocol;
        full.purpose = Purpose::full_size;
        full.size = lost.size;
        full.count = kLossSample;
        if (large.protocol == lost.protocol)
            full.count = static_cast<std::uint16_t>(kLossSample - tried(lost));
        full.spacing_us = apart_us_;
        builder_.add(*pair, full);
        std::set<std::uint32_t> sizes;
        for (const Objection& o : lost.objections)
            if (o.mtu >= smallest_size(Protocol::icmp, family) && o.mtu < lost.size) sizes.insert(o.mtu);
        for (const std::uint32_t size : kUsualSizes)
            if (size < lost.size) sizes.insert(size);
        std::uint32_t start = 0;
        for (const std::uint32_t size : sizes) {
            FlowRequest request = full;
            request.size = size;
            request.count = kTries;
            request.start_us = start += 1'000;
            builder_.add(*pair, request);
        }
    }

    // Its packets count when they enter the owner, whoever else listens.
    void add_next_hop(const ProbeResult& lost) {
        const Site* source = finder_.at(lost.source);
        if (source == nullptr || lost.sent >= kLossSample) return;
        Site target;
        target.endpoint = lost.destination;
        FlowRequest request;
        request.purpose = Purpose::next_hop;
        request.next_hop = lost.next_hop;
        request.count = static_cast<std::uint16_t>(kLossSample - lost.sent);
        request.spacing_us = apart_us_;
        builder_.add({*source, target}, request);
        builder_.watch(lost.destination.host, false);
    }

    // The largest of each pair in us.
    RoundTrips largest_round_trips() const {
        RoundTrips largest;
        for (const RoundResult& round : snapshot_.rounds)
            for (const ProbeResult& r : round.probes)
                for (const std::uint32_t us : r.round_trips_us) {
                    std::uint32_t& of_pair = largest[{r.source, r.destination}];
                    of_pair = std::max(of_pair, us);
                }
        return largest;
    }
    std::uint32_t largest_round_trip() const {
        std::uint32_t largest = 0;
        for (const auto& [ends, us] : round_trips_us_) largest = std::max(largest, us);
        return (largest + 999) / 1000;
    }
    // What could not be answered in time may not count as lost.
    bool answered_in_time(const ProbeResult& result) const {
        const auto known = round_trips_us_.find({result.source, result.destination});
        return known == round_trips_us_.end() || known->second <= wait_ms_ * 1000;
    }

    // At most half of the timeout, the other half is for sending; more only where the answers need it.
    std::uint32_t wait() const {
        const std::uint32_t timeout = std::max(2U, snapshot_.policy.timeout_ms), half = timeout / 2;
        const std::uint32_t sending = std::min(half, kLossSample * kLeastApart / 1000);
        const std::uint32_t with_reserve = std::min(round_trip_ms_ + round_trip_ms_ / 2, timeout - sending);
        return std::clamp(round_trip_ms_ * kRoundTrips, std::min(kLeastWait, half),
                          std::max(std::min(kMostWait, half), with_reserve));
    }

    const Snapshot& snapshot_;
    const Sites sites_;
    SiteFinder finder_;
    RoundBuilder builder_;
    const RoundTrips round_trips_us_;
    std::uint32_t round_trip_ms_;       // the largest seen, rounded up
    std::uint32_t wait_ms_, apart_us_;  // the last frame and the wait for its answer take a timeout together
    const RoundResult* main_ = nullptr;
    std::vector<const ProbeResult*> lost_, next_hops_;
    std::vector<Large> large_;
    EndsSet probed_, echo_passes_, tcp_works_;  // by small packets
    std::map<Protocol, std::vector<SitePair>> dead_;
};

}  // namespace

std::optional<RoundPlan> plan_detail_round(const Snapshot& snapshot) {
    return Planner(snapshot).plan();
}

}  // namespace podroute
