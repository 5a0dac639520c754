// Tallies of flows.
#include "probes/script_reader.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <set>

#include "probes/capture_point.h"
#include "probes/probe_index.h"
#include "probes/reading.h"
#include "probes/round_builder.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxObjections = 16, kMaxSightings = 64;  // kept of one flow
using Numbers = std::bitset<128>;
static_assert(kMaxCount <= 128);

struct Seen {
    const HostId* host;
    const CapturePoint* point;
    ProbeLeg leg;
    bool leaving;
    Numbers numbers;
};
struct ObjectionSeen {
    Objection objection;
    Numbers numbers;
};

// All that was seen of one flow.
struct Tally {
    Numbers arrived, answered, reset;
    std::vector<std::uint64_t> left_us, back_us;  // of each number; 0: not seen
    std::optional<Address> source_seen;
    std::vector<ObjectionSeen> objections;
    std::optional<Objection> reset_by;
    std::vector<Seen> sightings;
    Numbers kept_back;
    std::map<int, Numbers> not_sent;  // the same by errno
};

class Reader {
  public:
    Reader(const RoundPlan& plan, const Caught& caught)
        : plan_(plan), caught_(caught), index_(plan.script), tallies_(plan.script.flows.size()) {}

    std::vector<ProbeResult> results() {
        for (const auto& [host, points] : plan_.script.points) {
            const auto at = caught_.find(host);
            if (at == caught_.end() || !at->second.known()) continue;
            for (const Frame& frame : at->second->frames) take(host, points, frame);
        }
        for (const auto& [host, caught] : caught_)
            if (caught.known()) take_not_sent(host, *caught);
        note_listened();
        std::vector<ProbeResult> out;
        out.reserve(tallies_.size());
        for (std::size_t i = 0; i < tallies_.size(); ++i)
            out.push_back(result(plan_.script.flows[i], tallies_[i]));
        return out;
    }

  private:
    void take(const HostId& host, const std::vector<CapturePoint>& points, const Frame& frame) {
        const CapturePoint* point = point_of(points, frame);
        if (point == nullptr) return;
        const auto seen = read_probe(frame.bytes, {plan_.script.word, plan_.script.tag});
        const auto found = seen ? index_.find(*seen) : std::nullopt;
        if (!found) return;
        const ProbeFlow& flow = plan_.script.flows[found->flow];
        Tally& tally = tallies_[found->flow];
        const bool at_source = host == flow.source.host && point->pod == flow.source_pod;
        const bool at_destination = host == flow.destination.host && point->pod == flow.destination_pod &&
                                    flow.purpose != Purpose::next_hop && !(at_source && frame.leaving);
        if (seen->kind == SeenKind::request) {
            sight(tally, host, *point, ProbeLeg::request, frame.leaving, found->nth);
            if (at_source && frame.leaving) note_time(tally.left_us, flow, found->nth, frame.time_us);
            if (at_destination && !frame.leaving) arrive(tally, flow, found->nth, *seen);
            return;
        }
        if (seen->kind != SeenKind::objection)
            sight(tally, host, *point, ProbeLeg::reply, frame.leaving, found->nth);
        if (at_source && !frame.leaving) come_back(tally, flow, found->nth, *seen, frame.time_us);
    }

    // What the kernel would not take never set out, unless somebody saw it all the same.
    void take_not_sent(const HostId& host, const HostCatch& caught) {
        const auto task = plan_.tasks.find(host);
        for (const Unsent& unsent : caught.unsent) {
            if (task == plan_.tasks.end() || unsent.index >= task->second.frames.size()) continue;
            const auto packet =
                read_packet(task->second.frames[unsent.index].bytes, {plan_.script.word, plan_.script.tag});
            const auto found = packet ? index_.find(*packet) : std::nullopt;
            if (!found || plan_.script.flows[found->flow].source.host != host) continue;
            Tally& tally = tallies_[found->flow];
            if (tally.arrived.test(found->nth) || tally.kept_back.test(found->nth)) continue;
            tally.kept_back.set(found->nth);
            tally.not_sent[unsent.error].set(found->nth);
        }
    }

    // A port that opens connections listens, whoever asks.
    void note_listened() {
        for (std::size_t i = 0; i < tallies_.size(); ++i) {
            const ProbeFlow& flow = plan_.script.flows[i];
            if (flow.protocol == Protocol::tcp &&
                (flow.listened || (tallies_[i].answered & tallies_[i].arrived).any()))
                listened_.insert({flow.destination.address, flow.port});
        }
    }

    static void note_time(std::vector<std::uint64_t>& times, const ProbeFlow& flow, std::uint16_t nth,
                          std::uint64_t time) {
        if (times.empty()) times.resize(flow.count);
        auto& at = times[nth];
        if (at == 0 || time < at) at = time;
    }

    static void arrive(Tally& tally, const ProbeFlow& flow, std::uint16_t nth, const SeenPacket& seen) {
        tally.arrived.set(nth);
        if (seen.source != flow.source.address) tally.source_seen = seen.source;
    }

    static void come_back(Tally& tally, const ProbeFlow& flow, std::uint16_t nth, const SeenPacket& seen,
                          std::uint64_t time) {
        if (seen.kind == SeenKind::objection) return object(tally, nth, seen);
        note_time(tally.back_us, flow, nth, time);
        if (seen.kind == SeenKind::reply) {
            tally.answered.set(nth);
            return;
        }
        tally.reset.set(nth);
        if (!tally.reset_by) tally.reset_by = Objection{seen.source, 0, 0, true, 0, seen.hop_limit, 0};
    }

    static void object(Tally& tally, std::uint16_t nth, const SeenPacket& seen) {
        const Objection one{seen.source, seen.type, seen.code, false, seen.mtu, seen.hop_limit, 0};
        for (ObjectionSeen& o : tally.objections) {
            if (o.objection != one) continue;
            o.numbers.set(nth);
            return;
        }
        if (tally.objections.size() >= kMaxObjections) return;
        tally.objections.push_back({one, {}});
        tally.objections.back().numbers.set(nth);
    }

    static void sight(Tally& tally, const HostId& host, const CapturePoint& point, ProbeLeg leg, bool leaving,
                      std::uint16_t nth) {
        for (Seen& s : tally.sightings) {
            if (s.point != &point || s.leg != leg || s.leaving != leaving) continue;
            s.numbers.set(nth);
            return;
        }
        if (tally.sightings.size() >= kMaxSightings) return;
        tally.sightings.push_back({&host, &point, leg, leaving, {}});
        tally.sightings.back().numbers.set(nth);
    }

    // The answer was lost, and its repetition is none: nothing is retried to green.
    static void drop_repeated(const ProbeFlow& flow, Tally& tally) {
        if (flow.protocol != Protocol::tcp || tally.left_us.empty() || tally.back_us.empty()) return;
        const auto round_trip = [&](std::uint16_t i) -> std::uint64_t {
            const auto left = tally.left_us[i], back = tally.back_us[i];
            return left != 0 && back >= left ? back - left : UINT64_MAX;
        };
        std::uint64_t least = UINT64_MAX;
        for (std::uint16_t i = 0; i < flow.count; ++i) least = std::min(least, round_trip(i));
        for (std::uint16_t i = 0; i < flow.count; ++i)
            if (round_trip(i) != UINT64_MAX && round_trip(i) - least > kRepeatedAfter)
                tally.answered.reset(i);
    }

    ProbeResult result(const ProbeFlow& flow, Tally& tally) const {
        ProbeResult out;
        out.source = flow.source;
        out.destination = flow.destination;
        out.protocol = flow.protocol;
        out.purpose = flow.purpose;
        out.size = flow.size;
        out.hop_limit = flow.hop_limit;
        out.next_hop = flow.next_hop;
        out.unknown = why_unknown(flow);
        if (!out.unknown.empty()) return out;
        if (const HostId* host = lost_frames(flow); host != nullptr && !whole(flow, tally)) {
            out.unknown = *host + " caught more than it could keep";
            return out;
        }
        drop_repeated(flow, tally);
        // A reset that its target sent, because the probe arrived there and nothing listens, is an answer;
        // any other is forged, by a filter of the target's host too.
        const bool listened = listened_.contains({flow.destination.address, flow.port});
        const Numbers refused = listened ? Numbers() : tally.reset & tally.arrived,
                      forged = tally.reset & ~refused & ~tally.answered;
        const Numbers answered = tally.answered | refused;
        out.sent = flow.count;
        for (const auto& [error, numbers] : tally.not_sent) {
            out.not_sent.push_back({error, static_cast<std::uint32_t>(numbers.count())});
            out.sent -= out.not_sent.back().count;
        }
        out.arrived = static_cast<std::uint32_t>(tally.arrived.count());
        out.answered = static_cast<std::uint32_t>(answered.count());
        out.source_seen = tally.source_seen;
        add_round_trips(out, flow, tally, answered);
        for (ObjectionSeen& o : tally.objections) {
            o.objection.count = static_cast<std::uint32_t>(o.numbers.count());
            out.objections.push_back(o.objection);
        }
        if (forged.any()) {
            tally.reset_by->count = static_cast<std::uint32_t>(forged.count());
            out.objections.push_back(*tally.reset_by);
        }
        const bool healthy = out.arrived == out.sent && out.answered == out.sent && !out.source_seen;
        if (plan_.script.paths || !healthy) add_sightings(out, tally);
        return out;
    }

    // A host where the flow ends whose captures overflowed: what it did not report may have been there.
    const HostId* lost_frames(const ProbeFlow& flow) const {
        for (const HostId* host : {&flow.source.host, &flow.destination.host})
            if (caught_.at(*host)->dropped != 0) return host;
        return nullptr;
    }
    static bool whole(const ProbeFlow& flow, const Tally& tally) {
        return tally.arrived.count() == flow.count && tally.answered.count() == flow.count;
    }

    static void add_round_trips(ProbeResult& out, const ProbeFlow& flow, const Tally& tally,
                                const Numbers& answered) {
        if (tally.left_us.empty() || tally.back_us.empty()) return;
        for (std::uint16_t i = 0; i < flow.count; ++i) {
            const auto left = tally.left_us[i], back = tally.back_us[i];
            if (answered.test(i) && left != 0 && back >= left)
                out.round_trips_us.push_back(
                    static_cast<std::uint32_t>(std::min<std::uint64_t>(back - left, UINT32_MAX)));
        }
    }

    static void add_sightings(ProbeResult& out, const Tally& tally) {
        for (const Seen& s : tally.sightings)
            out.sightings.push_back({*s.host, s.point->interface, s.leg, s.leaving,
                                     static_cast<std::uint32_t>(s.numbers.count())});
    }

    std::string why_unknown(const ProbeFlow& flow) const {
        if (!flow.unknown.empty()) return flow.unknown;
        for (const HostId* host : {&flow.source.host, &flow.destination.host}) {
            const auto at = caught_.find(*host);
            if (at == caught_.end()) return *host + " was not asked";
            if (!at->second.known()) return *host + ": " + at->second.unknown().why;
            if (!plan_.script.points.contains(*host)) return *host + " could not listen";
        }
        return "";
    }

    const RoundPlan& plan_;
    const Caught& caught_;
    ProbeIndex index_;
    std::vector<Tally> tallies_;
    std::set<std::pair<Address, std::uint16_t>> listened_;  // TCP ports
};

// Links on which all of the round was caught. The captures of pods that were refused were not made.
Listened listened_on(const std::vector<CapturePoint>& points, const HostTask& task, const HostCatch& caught) {
    Listened out;
    out.dropped = caught.dropped;
    for (const CapturePoint& point : points) {
        const bool refused =
            caught.pods_refused && std::any_of(task.pods.begin(), task.pods.end(),
                                               [&](const PodSpec& pod) { return pod.number == point.pod; });
        const bool named =
            std::find(out.interfaces.begin(), out.interfaces.end(), point.interface) != out.interfaces.end();
        if (point.all && !refused && !named) out.interfaces.push_back(point.interface);
    }
    return out;
}

Observed<HostFindings> findings_of(const HostTask& task, const HostCatch& caught) {
    HostFindings out;
    const std::set<FibQuery> queries(task.lookups.begin(), task.lookups.end());
    for (const FibAnswer& answer : caught.lookups)
        if (queries.contains(answer.query)) out.lookups.push_back(answer);
    if (task.pods.empty()) return out;
    out.asked = task.pods;
    if (caught.pods_refused) out.pods_refused.push_back(*caught.pods_refused);
    return out;
}

// Pods that were asked for, each once.
void add_pods(HostFindings& findings, const HostId& host, const HostTask& task, const HostCatch& caught) {
    std::set<std::uint32_t> numbers;
    for (const OpenedPod& opened : caught.pods)
        for (const PodSpec& spec : task.pods) {
            if (spec.number != opened.number || !numbers.insert(opened.number).second) continue;
            findings.opened.push_back(opened);
            for (const Address& address : spec.addresses)
                findings.pods.push_back({host, Vantage::pod, address});
        }
}

}  // namespace

RoundResult read_script(const RoundPlan& plan, const Caught& caught) {
    RoundResult result;
    result.stage = plan.stage;
    for (const auto& [host, task] : plan.tasks) {
        const auto at = caught.find(host);
        if (at == caught.end()) {
            result.hosts[host] = Unknown{"the host was not asked", "", ""};
        } else if (!at->second.known()) {
            result.hosts[host] = at->second.unknown();
        } else {
            result.hosts[host] = findings_of(task, *at->second);
            add_pods(*result.hosts[host], host, task, *at->second);
            const auto points = plan.script.points.find(host);
            if (points != plan.script.points.end())
                result.hosts[host]->listened = listened_on(points->second, task, *at->second);
        }
    }
    for (const auto& [host, errors] : plan.script.unavailable) {
        auto& mine = result.hosts.try_emplace(host, HostFindings{}).first->second;
        if (mine.known()) mine->pods_refused.insert(mine->pods_refused.end(), errors.begin(), errors.end());
    }
    result.probes = Reader(plan, caught).results();
    return result;
}

}  // namespace podroute
