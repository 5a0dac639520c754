// Probes and paths for the report.
#include "engine/probe_reports.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "engine/probe_finding.h"

namespace podroute {
namespace {

std::optional<RoundTrips> round_trips(std::vector<std::uint32_t> times) {
    if (times.empty()) return std::nullopt;
    std::sort(times.begin(), times.end());
    return RoundTrips{times.front(), times[times.size() / 2], times.back()};
}

// One for each kind: hop limits tell no kinds apart.
std::vector<Objection> by_kind(std::vector<Objection> objections) {
    for (Objection& objection : objections) objection.ttl = 0;
    std::vector<Objection> kinds;
    add_up(kinds, objections);
    return kinds;
}

ProbeReport report_of(const ProbedFlow& flow, const ProbeFacts& facts, Places& places) {
    ProbeReport report;
    report.source = flow.source;
    report.destination = flow.destination;
    report.protocol = flow.protocol;
    report.size = flow.size;
    report.sent = flow.sent;
    report.arrived = flow.arrived;
    report.answered = flow.answered;
    report.source_seen = flow.source_seen;
    report.round_trips = round_trips(flow.round_trips_us);
    report.stopped_at = places.stopped_at(flow, facts);
    report.next_hop = flow.next_hop;
    report.objections = by_kind(flow.objections);
    return report;
}

void add_host(std::vector<std::string>& hosts, const std::string& host) {
    if (hosts.empty() || hosts.back() != host) hosts.push_back(host);
}

// Where packets of a leg end, for a person; empty: not known.
std::string end_text(const Place& end) {
    const std::string last = ", last seen at " + end.interface;
    if (end.interface.empty()) return "";
    if (end.kind == PlaceKind::inside) return "inside " + end.host + last;
    if (end.kind == PlaceKind::between)
        return "left " + end.host + " by " + end.interface + " and entered no host" +
               (end.deaf.empty() ? "" : " that listened");
    if (end.kind == PlaceKind::elsewhere) return "came to " + end.host + ", which it is not for" + last;
    return "on " + end.host + last;
}

class Paths {
  public:
    Paths(const Snapshot& snapshot, Places& places) : snapshot_(snapshot), places_(places) {}

    // Nothing where no capture on the way saw the leg, or it never set out.
    std::vector<PathReport> legs(const ProbedFlow& flow) {
        std::vector<PathReport> found;
        if (auto request = leg(flow, ProbeLeg::request)) found.push_back(std::move(*request));
        if (flow.arrived == 0 || flow.fate() == ProbeFate::answered_unseen) return found;
        if (auto reply = leg(flow, ProbeLeg::reply)) found.push_back(std::move(*reply));
        return found;
    }

  private:
    std::optional<PathReport> leg(const ProbedFlow& flow, ProbeLeg which) {
        const auto seen = places_.seen(flow, which);
        if (seen.empty()) return std::nullopt;
        const bool request = which == ProbeLeg::request;
        const HostId& sender = request ? flow.source.host : flow.destination.host;
        const HostId& target = request ? flow.destination.host : flow.source.host;
        PathReport path;
        path.source = path_end(snapshot_.inventory, flow.source);
        path.destination = path_end(snapshot_.inventory, flow.destination);
        path.leg = request ? "request" : "reply";
        path.expected = {sender};
        add_host(path.expected, target);
        path.hops = {sender};
        const std::uint32_t out = request ? flow.sent : flow.arrived;
        const bool stops = stops_on(flow, which) || flow.fate() == ProbeFate::answered_unseen;
        const std::uint32_t through = stops ? 0 : request ? flow.arrived : flow.heard();
        for (const Seen& at : seen) {
            // What a switch floods to others is no part of the way.
            if (at.stage == Stage::other_entered && through > 0 && !sent_on(seen, at.host)) continue;
            add_host(path.hops, at.host);
            path.steps.push_back({at.host, at.interface, at.leaving, at.count, 0});
        }
        path.protocol = flow.protocol;
        if (request) add_answers(flow, path);
        if (through > 0) add_host(path.hops, target);
        path.status = through >= out ? "pass" : "fail";
        if (path.status == "fail") {
            path.reason = end_text(places_.place(flow));
            if (through > 0)
                path.reason = std::to_string(out - through) + " of " + std::to_string(out) + " lost" +
                              (path.reason.empty() ? "" : ", " + path.reason);
        }
        return path;
    }

    // All of it ends there, as far as captures tell; what is for a node arrives before the node has taken it.
    bool stops_on(const ProbedFlow& flow, ProbeLeg which) {
        if (flow.fate() == ProbeFate::works || flow.heard() > 0) return false;
        const Place place = places_.place(flow);
        return place.kind != PlaceKind::nowhere && place.leg == which;
    }

    static bool sent_on(const std::vector<Seen>& seen, const HostId& host) {
        return std::any_of(seen.begin(), seen.end(),
                           [&](const Seen& at) { return at.stage == Stage::other_left && at.host == host; });
    }

    // Who answered when the hop limit ended there: hosts that captures saw it pass as well are marked, hosts
    // and routers that no capture saw stand behind the hop before them.
    void add_answers(const ProbedFlow& flow, PathReport& path) const {
        for (const HopAnswer& answer : hop_answers(snapshot_, flow)) {
            const std::string host = answer.host.empty() ? answer.address.to_string() : answer.host;
            const auto seen = std::find_if(path.steps.begin(), path.steps.end(),
                                           [&](const PathStep& step) { return step.host == host; });
            if (seen == path.steps.end())
                path.steps.insert(behind(path, answer.hop), {host, "", false, 0, answer.hop});
            else if (seen->hop == 0)
                seen->hop = answer.hop;
            if (answer.host.empty() || std::find(path.hops.begin(), path.hops.end(), host) != path.hops.end())
                continue;
            const auto end =
                path.hops.back() == flow.destination.host ? path.hops.end() - 1 : path.hops.end();
            path.hops.insert(end, host);
        }
    }

    // Behind all steps of the last host that answered to a smaller hop limit, or of the sender.
    static std::vector<PathStep>::iterator behind(PathReport& path, std::uint8_t hop) {
        if (path.steps.empty()) return path.steps.end();
        HostId last = path.steps.front().host;
        for (const PathStep& step : path.steps)
            if (step.hop != 0 && step.hop < hop) last = step.host;
        return std::find_if(path.steps.rbegin(), path.steps.rend(),
                            [&](const PathStep& step) { return step.host == last; })
            .base();
    }

    const Snapshot& snapshot_;
    Places& places_;
};

// Of the protocols of one pair, the one that failed comes first.
std::vector<const ProbedFlow*> one_for_each_pair(const ProbeFacts& facts) {
    std::vector<const ProbedFlow*> flows;
    std::unordered_map<std::pair<Endpoint, Endpoint>, std::size_t, EndpointHash> index;
    for (const ProbedFlow& flow : facts.verdicts) {
        const auto [at, added] = index.emplace(std::pair(flow.source, flow.destination), flows.size());
        const bool failed = flow.fate() != ProbeFate::works && flow.fate() != ProbeFate::unknown;
        if (added)
            flows.push_back(&flow);
        else if (failed && flows[at->second]->fate() == ProbeFate::works)
            flows[at->second] = &flow;
    }
    std::stable_partition(flows.begin(), flows.end(),
                          [](const ProbedFlow* flow) { return flow->fate() != ProbeFate::works; });
    return flows;
}

}  // namespace

std::vector<ProbeReport> probe_reports(const ProbeFacts& facts, Places& places,
                                       const std::set<const ProbedFlow*>& replies) {
    std::vector<ProbeReport> reports;
    for (const auto* flows : {&facts.verdicts, &facts.evidence, &facts.full_size, &facts.next_hops})
        for (const ProbedFlow& flow : *flows) {
            ProbeReport report = report_of(flow, facts, places);
            if (report.stopped_at && replies.contains(&flow)) report.stopped_at->leg = ProbeLeg::reply;
            reports.push_back(std::move(report));
        }
    return reports;
}

ProbeCounts count_probes(const std::vector<ProbeReport>& probes) {
    ProbeCounts counts;
    for (const ProbeReport& probe : probes) {
        if (probe.next_hop) continue;
        counts.sent += probe.sent;
        counts.arrived += probe.arrived;
        counts.answered += probe.answered;
    }
    return counts;
}

std::vector<PathReport> packet_paths(const Snapshot& snapshot, const ProbeFacts& facts, Places& places,
                                     std::vector<PathReport> by_tables) {
    Paths paths(snapshot, places);
    std::vector<PathReport> all;
    std::set<std::tuple<std::string, std::string, std::string>> seen;
    for (const ProbedFlow* flow : one_for_each_pair(facts)) {
        if (all.size() + 2 > kMaxPaths) break;
        // A pair that works is shown only where somebody looked at its way.
        const bool works = flow->fate() == ProbeFate::works;
        if (flow->fate() == ProbeFate::unknown || (works && !flow->watched)) continue;
        for (PathReport& path : paths.legs(*flow)) {
            seen.emplace(path.source, path.destination, path.leg);
            all.push_back(std::move(path));
        }
    }
    for (PathReport& path : by_tables) {
        if (all.size() >= kMaxPaths) break;
        if (!seen.contains({path.source, path.destination, path.leg})) all.push_back(std::move(path));
    }
    return all;
}

}  // namespace podroute
