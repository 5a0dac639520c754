// Frames to flows, and hosts to findings.
#include "probes/script_reader.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "probes/capture_point.h"
#include "probes/flow_tally.h"
#include "probes/probe_index.h"

namespace podroute {
namespace {

class Reader {
  public:
    Reader(const RoundPlan& plan, const Caught& caught)
        : plan_(plan),
          caught_(caught),
          index_(plan.script),
          tallies_(plan.script.flows.begin(), plan.script.flows.end()) {}

    std::vector<ProbeResult> results() {
        for (const auto& [host, points] : plan_.script.points) {
            const auto at = caught_.find(host);
            if (at == caught_.end() || !at->second.known()) continue;
            for (const Frame& frame : at->second->frames) take(host, points, frame);
        }
        for (const auto& [host, caught] : caught_)
            if (caught.known()) take_not_sent(host, *caught);
        note_listened();
        drop_repeated();
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
        FlowTally& tally = tallies_[found->flow];
        const bool at_source = host == flow.source.host && point->pod == flow.source_pod;
        const bool at_destination = host == flow.destination.host && point->pod == flow.destination_pod &&
                                    flow.purpose != Purpose::next_hop && !(at_source && frame.leaving);
        if (seen->kind == SeenKind::request) {
            tally.sight(host, *point, ProbeLeg::request, frame.leaving, found->nth);
            if (at_source && frame.leaving) tally.left(found->nth, frame.time_us);
            if (at_destination && !frame.leaving) tally.arrive(found->nth, seen->source);
            return;
        }
        if (seen->kind != SeenKind::objection)
            tally.sight(host, *point, ProbeLeg::reply, frame.leaving, found->nth);
        if (at_source && !frame.leaving) tally.come_back(found->nth, *seen, frame.time_us);
    }

    void take_not_sent(const HostId& host, const HostCatch& caught) {
        const auto task = plan_.tasks.find(host);
        for (const Unsent& unsent : caught.unsent) {
            if (task == plan_.tasks.end() || unsent.index >= task->second.frames.size()) continue;
            const auto packet =
                read_packet(task->second.frames[unsent.index].bytes, {plan_.script.word, plan_.script.tag});
            const auto found = packet ? index_.find(*packet) : std::nullopt;
            if (!found || plan_.script.flows[found->flow].source.host != host) continue;
            tallies_[found->flow].keep_back(found->nth, unsent.error);
        }
    }

    // A port that opens connections listens, whoever asks.
    void note_listened() {
        for (std::size_t i = 0; i < tallies_.size(); ++i) {
            const ProbeFlow& flow = plan_.script.flows[i];
            if (flow.protocol == Protocol::tcp && (flow.listened || tallies_[i].opened()))
                listened_.insert({flow.destination.address, flow.port});
        }
    }

    // There and back is as far whichever of two hosts begins, also where every answer of one flow is a
    // repetition.
    void drop_repeated() {
        using Ends = std::tuple<HostId, HostId, Family>;
        const auto between = [](const ProbeFlow& flow) {
            const auto& [first, last] = std::minmax(flow.source.host, flow.destination.host);
            return Ends{first, last, flow.source.address.family()};
        };
        std::map<Ends, std::uint64_t> least;
        const auto& flows = plan_.script.flows;
        for (std::size_t i = 0; i < flows.size(); ++i) {
            const auto mine = tallies_[i].least_round_trip();
            const auto [at, added] = least.try_emplace(between(flows[i]), mine);
            if (!added) at->second = std::min(at->second, mine);
        }
        for (std::size_t i = 0; i < flows.size(); ++i) tallies_[i].drop_repeated(least.at(between(flows[i])));
    }

    ProbeResult result(const ProbeFlow& flow, const FlowTally& tally) const {
        ProbeResult out;
        out.source = flow.source;
        out.destination = flow.destination;
        out.protocol = flow.protocol;
        out.purpose = flow.purpose;
        out.size = flow.size;
        out.hop_limit = flow.hop_limit;
        out.next_hop = flow.next_hop;
        out.unknown = why_unknown(flow, tally);
        if (!out.unknown.empty()) return out;
        tally.tell(out, listened_.contains({flow.destination.address, flow.port}), plan_.script.paths);
        return out;
    }

    std::string why_unknown(const ProbeFlow& flow, const FlowTally& tally) const {
        if (!flow.unknown.empty()) return flow.unknown;
        for (const HostId* host : {&flow.source.host, &flow.destination.host}) {
            const auto at = caught_.find(*host);
            if (at == caught_.end()) return *host + " was not asked";
            if (!at->second.known()) return *host + ": " + at->second.unknown().why;
            if (!plan_.script.points.contains(*host)) return *host + " could not listen";
        }
        // What one of them did not report may have been there.
        for (const HostId* host : {&flow.source.host, &flow.destination.host})
            if (caught_.at(*host)->dropped != 0 && !tally.whole())
                return *host + " caught more than it could keep";
        return "";
    }

    const RoundPlan& plan_;
    const Caught& caught_;
    ProbeIndex index_;
    std::vector<FlowTally> tallies_;
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
