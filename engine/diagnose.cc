// From verdicts to diagnoses: fold, walk every pair, count what each cause explains.
#include "engine/diagnose.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/expected.h"
#include "engine/explain.h"
#include "engine/fold.h"
#include "engine/walk.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxPairLines = 4;

std::string pair_text(const Flow& flow) {
    return to_string(flow.source) + " → " + to_string(flow.destination);
}

std::string leg_text(const Leg& leg, const char* name) {
    return std::string(name) + " stops at " + leg.stopped_at + ": " + leg.reason;
}

// "pod node-0 → pod node-1   request stops at node-0: no route"
std::string stop_text(const Flow& flow, const Walk& walk) {
    if (walk.request.status == WalkStatus::broken)
        return pair_text(flow) + "   " + leg_text(walk.request, "request");
    const bool arrives = walk.request.status == WalkStatus::pass;
    return pair_text(flow) + "   " + (arrives ? "request arrives, " : "") + leg_text(walk.reply, "reply");
}

struct Tally {
    std::size_t explains = 0;
    std::vector<std::string> lines;
    std::set<std::size_t> together;
};

struct Unexplained {
    std::size_t pairs = 0;
    Leg leg;
    std::vector<std::string> lines;
};

class Diagnosing {
  public:
    Diagnosing(const Snapshot& snapshot, std::vector<FoldedCause> causes)
        : snapshot_(snapshot), causes_(std::move(causes)), walker_(snapshot) {
        for (const Overlap& overlap : expect(snapshot.inventory).overlaps) {
            overlapping_.push_back(overlap.first);
            if (!overlap.covers_node) overlapping_.push_back(overlap.second);
        }
    }

    Diagnoses run() {
        Explainer explainer(snapshot_, walker_, causes_);
        for (const Flow& flow : verdict_flows(snapshot_.inventory))
            if (selected(flow)) look_at(flow, explainer);
        drop_filtered_routes();
        return finish();
    }

  private:
    bool selected(const Flow& flow) const {
        const auto& only = snapshot_.policy.only;
        return only.empty() || only.contains(flow.source.host) || only.contains(flow.destination.host);
    }
    bool all_selected() const {
        const Policy& policy = snapshot_.policy;
        return policy.only.empty() && policy.layers.empty() && policy.skip.empty();
    }
    bool in_overlap(const Endpoint& endpoint) const {
        return endpoint.vantage == Vantage::pod &&
               std::any_of(overlapping_.begin(), overlapping_.end(),
                           [&](const Prefix& cidr) { return cidr.contains(endpoint.address); });
    }

    void look_at(const Flow& flow, Explainer& explainer) {
        ++result_.pairs.total;
        if (in_overlap(flow.source) || in_overlap(flow.destination)) {
            ++result_.pairs.unknown;
            return;
        }
        const Walk walk = walker_.walk(flow);
        if (walk.status == WalkStatus::unknown) ++result_.pairs.unknown;
        if (walk.status != WalkStatus::broken) return;
        ++result_.pairs.broken;
        add_paths(flow, walk);
        const auto explanation = explainer.explain(flow, walk);
        if (!explanation) return leave_unexplained(flow, walk);
        ++result_.pairs.explained;
        for (const auto& part : explanation->parts) {
            Tally& tally = tallies_[part.cause];
            ++tally.explains;
            if (tally.lines.size() < kMaxPairLines) tally.lines.push_back(stop_text(flow, part.without));
            for (const auto& other : explanation->parts)
                if (other.cause != part.cause) tally.together.insert(other.cause);
        }
    }

    void leave_unexplained(const Flow& flow, const Walk& walk) {
        const bool unread =
            walk.request.status == WalkStatus::unknown || walk.reply.status == WalkStatus::unknown;
        if (!all_selected() || unread) return;
        const Leg& leg = walk.request.status == WalkStatus::broken ? walk.request : walk.reply;
        Unexplained& entry = unexplained_[{leg.stopped_at, leg.reason}];
        entry.leg = leg;
        ++entry.pairs;
        if (entry.lines.size() < kMaxPairLines) entry.lines.push_back(stop_text(flow, walk));
    }

    void add_paths(const Flow& flow, const Walk& walk) {
        add_path(flow.source, flow.destination, walk.request, "request");
        add_path(flow.destination, flow.source, walk.reply, "reply");
    }
    void add_path(const Endpoint& from, const Endpoint& to, const Leg& leg, const char* name) {
        if (leg.status == WalkStatus::pass || result_.paths.size() >= kMaxPaths) return;
        const bool reply = std::string_view(name) == "reply";
        PathReport path;
        path.source = to_string(reply ? to : from);
        path.destination = to_string(reply ? from : to);
        path.leg = name;
        path.expected = {from.host, to.host};
        path.hops = leg.hops;
        path.status = leg.status == WalkStatus::broken ? "fail" : "unknown";
        path.reason = leg.reason;
        result_.paths.push_back(std::move(path));
    }

    // A reverse path filter that drops only because a route is wrong is not a cause of its own.
    void drop_filtered_routes() {
        const bool route_stands = std::any_of(causes_.begin(), causes_.end(), [](const FoldedCause& entry) {
            return is_route_code(entry.cause.code) && entry.cause.severity == Severity::error;
        });
        if (!route_stands) return;
        for (std::size_t i = 0; i < causes_.size(); ++i)
            if (causes_[i].cause.code == "rp-filter-drop" && tallies_[i].explains == 0) dropped_.insert(i);
    }

    Diagnoses finish() {
        ids_ = ids_of(causes_);
        for (std::size_t i = 0; i < causes_.size(); ++i)
            if (!dropped_.contains(i)) result_.list.push_back(diagnosis(i));
        for (const auto& [key, entry] : unexplained_) result_.list.push_back(unexplained(entry));
        std::stable_sort(result_.list.begin(), result_.list.end(),
                         [](const Diagnosis& a, const Diagnosis& b) {
                             if (a.cause.severity != b.cause.severity)
                                 return a.cause.severity < b.cause.severity;
                             return a.explains > b.explains;
                         });
        return std::move(result_);
    }

    Diagnosis diagnosis(std::size_t at) {
        Diagnosis diagnosis{std::move(causes_[at].cause), tallies_[at].explains, {}, causes_[at].affects};
        add_lines(diagnosis.cause, tallies_[at].lines, tallies_[at].explains);
        for (const std::size_t other : tallies_[at].together) diagnosis.together_with.push_back(ids_[other]);
        return diagnosis;
    }

    static void add_lines(Cause& cause, const std::vector<std::string>& lines, std::size_t pairs) {
        cause.evidence.insert(cause.evidence.end(), lines.begin(), lines.end());
        if (pairs > lines.size())
            cause.evidence.push_back("and " + std::to_string(pairs - lines.size()) + " more pairs");
    }

    static Diagnosis unexplained(const Unexplained& entry) {
        Cause cause;
        cause.code = "unexplained";
        cause.host = entry.leg.stopped_at;
        cause.subject = entry.leg.reason;
        cause.summary = "packets stop at " + entry.leg.stopped_at + " and no known cause predicts it";
        add_lines(cause, entry.lines, entry.pairs);
        return {std::move(cause), entry.pairs, {}, {}};
    }

    const Snapshot& snapshot_;
    std::vector<FoldedCause> causes_;
    std::vector<std::string> ids_;
    std::map<std::size_t, Tally> tallies_;  // by index into causes_, which grow as pairs are explained
    Walker walker_;
    std::vector<Prefix> overlapping_;
    std::map<std::pair<HostId, std::string>, Unexplained> unexplained_;
    std::set<std::size_t> dropped_;
    Diagnoses result_;

    static std::vector<std::string> ids_of(const std::vector<FoldedCause>& causes) {
        std::vector<std::string> ids;
        for (const FoldedCause& entry : causes) ids.push_back(cause_id(entry.cause));
        return ids;
    }
};

Diagnoses without_walks(std::vector<FoldedCause> causes) {
    Diagnoses result;
    for (FoldedCause& entry : causes) result.list.push_back({std::move(entry.cause), 0, {}, entry.affects});
    Cause info;
    info.code = "routed-by-fabric";
    info.severity = Severity::info;
    info.subject = "pod networks";
    info.summary = "pod networks are delivered by the network, hosts need no routes for them";
    result.list.push_back({std::move(info), 0, {}, {}});
    std::stable_sort(result.list.begin(), result.list.end(), [](const Diagnosis& a, const Diagnosis& b) {
        return a.cause.severity < b.cause.severity;
    });
    return result;
}

}  // namespace

Diagnoses diagnose(const Snapshot& snapshot, std::span<const Verdict> verdicts,
                   std::span<const std::string> check_ids) {
    std::vector<FoldedCause> causes = fold(snapshot, verdicts, check_ids);
    if (snapshot.policy.routing == Routing::fabric) return without_walks(std::move(causes));
    return Diagnosing(snapshot, std::move(causes)).run();
}

}  // namespace podroute
