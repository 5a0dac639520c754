// From verdicts to diagnoses: fold, walk every pair, count what each cause explains.
#include "engine/diagnose.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/expected.h"
#include "engine/explain.h"
#include "engine/fold.h"
#include "engine/packet_causes.h"
#include "engine/packet_words.h"
#include "engine/place_causes.h"
#include "engine/probed_pairs.h"
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
    std::size_t explains = 0;  // broken pairs
    std::size_t probes = 0;    // failed probes
    std::size_t pairs = 0;     // what `lines` is a part of
    std::vector<std::string> lines;
    std::set<std::size_t> together;
    std::set<std::string> together_with;  // ids of causes that packets show
};

// A failed probe and the causes of the tables that break it.
struct Broken {
    const PairProbe* probe;
    std::vector<std::size_t> causes;
    bool by_packets;  // packets show another cause that stops it before these do
};

struct Unexplained {
    std::size_t pairs = 0, probes = 0;
    Leg leg;
    std::vector<std::string> lines, affects;
};

class Diagnosing {
  public:
    Diagnosing(const Snapshot& snapshot, std::vector<FoldedCause> causes, const ProbedPairs& pairs,
               const Evidence& evidence)
        : snapshot_(snapshot),
          causes_(std::move(causes)),
          walker_(snapshot),
          pairs_(pairs),
          evidence_(evidence),
          packets_(snapshot, evidence.probes, evidence.places) {
        for (const Overlap& overlap : expect(snapshot.inventory).overlaps) {
            overlapping_.push_back(overlap.first);
            if (!overlap.covers_node) overlapping_.push_back(overlap.second);
        }
        result_.probed = pairs.counts();
    }

    Diagnoses run() {
        if (evidence_.routing == Routing::fabric) {
            for (const ProbedPair& pair : pairs_.all()) look_at_probes(pair, nullptr, nullptr);
        } else {
            walk_pairs();
        }
        look_at_sizes();
        look_at_paths();
        drop_filtered_routes();
        return finish();
    }

  private:
    void walk_pairs() {
        Explainer explainer(snapshot_, walker_, causes_);
        std::set<const ProbedPair*> done;
        for (const Flow& flow : verdict_flows(snapshot_.inventory)) {
            if (!selected(flow)) continue;
            const ProbedPair* pair = pairs_.find(flow);
            look_at(pair != nullptr ? pair->flow : flow, pair, explainer);
            if (pair != nullptr) done.insert(pair);
        }
        // Of one host, which no table of another bears on.
        for (const ProbedPair& pair : pairs_.all()) {
            if (done.contains(&pair) || !some_failed(pair)) continue;
            const Walk walk = walker_.walk(pair.flow);
            const auto explanation = walk.status == WalkStatus::broken ? explainer.explain(pair.flow, walk)
                                                                       : std::optional<Explanation>();
            look_at_probes(pair, &walk, explanation ? &*explanation : nullptr);
        }
    }

    static bool some_failed(const ProbedPair& pair) {
        return std::any_of(pair.probes.begin(), pair.probes.end(), [](const PairProbe& probe) {
            return probe.status == Status::fail || probe.status == Status::warn;
        });
    }

    bool selected(const Flow& flow) const {
        if (const auto& pair = snapshot_.policy.pair) {
            const std::set<HostId> ends{pair->first.host, pair->second.host};
            return ends == std::set<HostId>{flow.source.host, flow.destination.host};
        }
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

    void look_at(const Flow& flow, const ProbedPair* pair, Explainer& explainer) {
        ++result_.pairs.total;
        if (in_overlap(flow.source) || in_overlap(flow.destination)) {
            ++result_.pairs.unknown;
            if (pair != nullptr) blame_overlap(*pair);
            return;
        }
        const Walk walk = walker_.walk(flow);
        if (walk.status == WalkStatus::unknown) ++result_.pairs.unknown;
        std::optional<Explanation> explanation;
        if (walk.status == WalkStatus::broken) {
            explanation = explainer.explain(flow, walk);
            // The tables say no, the packets pass, and nothing known stands behind it: the packets are right.
            if (explanation || pair == nullptr || !pair->all_pass())
                count_broken(flow, walk, pair, explanation ? &*explanation : nullptr);
        }
        if (pair != nullptr) look_at_probes(*pair, &walk, explanation ? &*explanation : nullptr);
    }

    void blame_overlap(const ProbedPair& pair) {
        const auto overlap = std::find_if(causes_.begin(), causes_.end(), [](const FoldedCause& entry) {
            return entry.cause.code == "inventory-overlap";
        });
        if (overlap == causes_.end()) return look_at_probes(pair, nullptr, nullptr);
        for (const PairProbe& probe : pair.probes) {
            if (probe.status != Status::fail) continue;
            ++tallies_[static_cast<std::size_t>(overlap - causes_.begin())].probes;
            overlap->affects.push_back(probe.check_id);
            ++result_.probed.explained;
        }
    }

    void count_broken(const Flow& flow, const Walk& walk, const ProbedPair* pair,
                      const Explanation* explanation) {
        ++result_.pairs.broken;
        add_paths(flow, walk);
        if (explanation == nullptr) return leave_unexplained(flow, walk, pair);
        ++result_.pairs.explained;
        const bool passes = pair != nullptr && pair->all_pass();
        for (const auto& part : explanation->parts) {
            Tally& tally = tallies_[part.cause];
            ++tally.explains;
            ++tally.pairs;
            if (tally.lines.size() < kMaxPairLines)
                tally.lines.push_back(stop_text(flow, part.without) +
                                      (passes ? "; yet its packets pass today" : ""));
            for (const auto& other : explanation->parts)
                if (other.cause != part.cause) tally.together.insert(other.cause);
        }
    }

    // walk null: nothing was walked. Explanation null: there is none.
    void look_at_probes(const ProbedPair& pair, const Walk* walk, const Explanation* explanation) {
        for (const PairProbe& probe : pair.probes) {
            if (probe.status != Status::fail && probe.status != Status::warn) continue;
            if (probe.status == Status::fail && explained_by_tables(probe, walk, explanation)) continue;
            packets_.add(*probe.flow, probe.finding, probe.check_id);
            if (probe.status == Status::fail && explanation != nullptr) add_broken(probe, *explanation, true);
        }
    }

    void add_broken(const PairProbe& probe, const Explanation& explanation, bool by_packets) {
        broken_.push_back({&probe, {}, by_packets});
        for (const auto& part : explanation.parts) {
            broken_.back().causes.push_back(part.cause);
            ++tallies_[part.cause].probes;
            causes_[part.cause].affects.push_back(probe.check_id);
        }
    }

    bool explained_by_tables(const PairProbe& probe, const Walk* walk, const Explanation* explanation) {
        const Place place = evidence_.places.place(*probe.flow);
        const auto full = [&] { return cause_of_full_table(causes_, *probe.flow, place); };
        if (walk == nullptr)
            return explained_by(cause_inside(causes_, place), probe) || explained_by(full(), probe);
        const Leg& leg = probe.flow->failed_leg() == ProbeLeg::request ? walk->request : walk->reply;
        if (leg.status != WalkStatus::broken)
            return explained_by(cause_of_other_machine(snapshot_.inventory, causes_, *probe.flow, place),
                                probe) ||
                   explained_by(full(), probe);
        if (probe.flow->failed_leg() == ProbeLeg::reply) result_.replies.insert(probe.flow);
        if (explanation == nullptr) return has_unexplained(*walk);
        add_broken(probe, *explanation, false);
        ++result_.probed.explained;
        return true;
    }

    bool explained_by(std::optional<std::size_t> cause, const PairProbe& probe) {
        if (!cause) return false;
        ++tallies_[*cause].probes;
        causes_[*cause].affects.push_back(probe.check_id);
        ++result_.probed.explained;
        return true;
    }

    static std::pair<HostId, std::string> unexplained_key(const Walk& walk) {
        const Leg& leg = walk.request.status == WalkStatus::broken ? walk.request : walk.reply;
        return {leg.stopped_at, leg.reason};
    }
    bool has_unexplained(const Walk& walk) const { return unexplained_.contains(unexplained_key(walk)); }

    void leave_unexplained(const Flow& flow, const Walk& walk, const ProbedPair* pair) {
        const bool unread =
            walk.request.status == WalkStatus::unknown || walk.reply.status == WalkStatus::unknown;
        if (!all_selected() || unread) return;
        const Leg& leg = walk.request.status == WalkStatus::broken ? walk.request : walk.reply;
        Unexplained& entry = unexplained_[unexplained_key(walk)];
        entry.leg = leg;
        ++entry.pairs;
        if (entry.lines.size() < kMaxPairLines) entry.lines.push_back(stop_text(flow, walk));
        if (pair == nullptr) return;
        for (const PairProbe& probe : pair->probes) {
            if (probe.status != Status::fail) continue;
            ++entry.probes;
            entry.affects.push_back(probe.check_id);
        }
    }

    void look_at_sizes() {
        for (const FullSize& sizes : full_sizes(evidence_.probes)) {
            const ProbedFlow& full = *sizes.largest;
            const std::uint32_t max_loss = snapshot_.policy.max_loss_ppm;
            const auto* check = pairs_.check(kFullSizeCheck, full);
            if (check == nullptr || (check->first != Status::fail && check->first != Status::warn)) continue;
            if (finding_of(evidence_.probes, sizes, max_loss) == SizeFinding::swallowed)
                packets_.add_full_size(sizes, check->second);
            else
                packets_.add(full, finding_of(evidence_.probes, full, max_loss), check->second);
        }
    }

    void look_at_paths() {
        for (const ProbedPair& pair : pairs_.all()) {
            const auto* check =
                pair.probes.empty() ? nullptr : pairs_.check(kHopsCheck, *pair.probes.front().flow);
            if (check == nullptr || check->first != Status::warn) continue;
            for (const PairProbe& probe : pair.probes) {
                const auto hosts = detour(snapshot_, *probe.flow);
                if (probe.flow->fate() != ProbeFate::works || hosts.empty()) continue;
                if (!leads_astray(pair.flow, check->second))
                    packets_.add_detour(*probe.flow, hosts, check->second);
                break;
            }
        }
    }

    // A route of one of the ends is known to be wrong: the detour follows from it.
    bool leads_astray(const Flow& flow, const std::string& check_id) {
        for (FoldedCause& entry : causes_) {
            const Cause& cause = entry.cause;
            if (!is_route_code(cause.code) || cause.severity != Severity::error) continue;
            const auto about = Prefix::parse(cause.subject);
            if (!about) continue;
            const bool there = cause.host == flow.source.host && about->contains(flow.destination.address);
            const bool back = cause.host == flow.destination.host && about->contains(flow.source.address);
            if (!there && !back) continue;
            entry.affects.push_back(check_id);
            return true;
        }
        return false;
    }

    void add_paths(const Flow& flow, const Walk& walk) {
        add_path(flow.source, flow.destination, walk.request, "request");
        add_path(flow.destination, flow.source, walk.reply, "reply");
    }
    void add_path(const Endpoint& from, const Endpoint& to, const Leg& leg, const char* name) {
        if (leg.status == WalkStatus::pass || result_.paths.size() >= kMaxPaths) return;
        const bool reply = std::string_view(name) == "reply";
        PathReport path;
        path.source = path_end(snapshot_.inventory, reply ? to : from);
        path.destination = path_end(snapshot_.inventory, reply ? from : to);
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

    bool probed() const { return result_.probed.total > 0; }

    Diagnoses finish() {
        ids_ = ids_of(causes_);
        packets_.settle();
        join_causes();
        for (std::size_t i = 0; i < causes_.size(); ++i)
            if (!dropped_.contains(i)) result_.list.push_back(diagnosis(i));
        for (const auto& [key, entry] : unexplained_) result_.list.push_back(unexplained(entry));
        for (Diagnosis& entry : packets_.take()) result_.list.push_back(std::move(entry));
        result_.probed.explained += packets_.explained();
        if (evidence_.routing == Routing::fabric) result_.list.push_back(routed_by_fabric());
        std::stable_sort(result_.list.begin(), result_.list.end(),
                         [](const Diagnosis& a, const Diagnosis& b) {
                             if (a.cause.severity != b.cause.severity)
                                 return a.cause.severity < b.cause.severity;
                             return a.explains > b.explains;
                         });
        return std::move(result_);
    }

    // A pair passes once all that breaks it is mended, whichever of it shows today.
    void join_causes() {
        for (const Broken& broken : broken_) {
            std::vector<std::string> with;
            for (const std::size_t cause : broken.causes) with.push_back(ids_[cause]);
            const auto others =
                broken.by_packets
                    ? packets_.faults().add_companions(broken.probe->check_id, with)
                    : packets_.faults().add_stopped_too(*broken.probe->flow, broken.probe->check_id, with);
            for (const std::size_t cause : broken.causes)
                tallies_[cause].together_with.insert(others.begin(), others.end());
        }
    }

    Diagnosis diagnosis(std::size_t at) {
        const Tally& tally = tallies_[at];
        Diagnosis diagnosis{
            std::move(causes_[at].cause), probed() ? tally.probes : tally.explains, {}, causes_[at].affects};
        add_lines(diagnosis.cause, tally.lines, tally.pairs);
        for (const std::size_t other : tally.together) diagnosis.together_with.push_back(ids_[other]);
        diagnosis.together_with.insert(diagnosis.together_with.end(), tally.together_with.begin(),
                                       tally.together_with.end());
        return diagnosis;
    }

    static void add_lines(Cause& cause, const std::vector<std::string>& lines, std::size_t pairs) {
        cause.evidence.insert(cause.evidence.end(), lines.begin(), lines.end());
        if (pairs > lines.size()) cause.evidence.push_back(more_text(pairs - lines.size(), "pair"));
    }

    Diagnosis unexplained(const Unexplained& entry) const {
        Cause cause;
        cause.code = "unexplained";
        cause.host = entry.leg.stopped_at;
        cause.subject = entry.leg.reason;
        cause.summary = "packets stop at " + entry.leg.stopped_at + " and no known cause predicts it";
        add_lines(cause, entry.lines, entry.pairs);
        return {std::move(cause), probed() ? entry.probes : entry.pairs, {}, entry.affects};
    }

    static Diagnosis routed_by_fabric() {
        Cause info;
        info.code = "routed-by-fabric";
        info.severity = Severity::info;
        info.subject = "pod networks";
        info.summary = "pod networks are delivered by the network, hosts need no routes for them";
        return {std::move(info), 0, {}, {}};
    }

    const Snapshot& snapshot_;
    std::vector<FoldedCause> causes_;
    std::vector<std::string> ids_;
    std::map<std::size_t, Tally> tallies_;  // by index into causes_, which grow as pairs are explained
    Walker walker_;
    const ProbedPairs& pairs_;
    const Evidence& evidence_;
    PacketCauses packets_;
    std::vector<Broken> broken_;
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

}  // namespace

Diagnoses diagnose(const Snapshot& snapshot, std::span<const Verdict> verdicts,
                   std::span<const std::string> check_ids, const Evidence& evidence) {
    const ProbedPairs pairs(snapshot, evidence.probes, verdicts, check_ids);
    return Diagnosing(snapshot, fold(snapshot, verdicts, check_ids), pairs, evidence).run();
}

}  // namespace podroute
