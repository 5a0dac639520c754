// From verdicts to diagnoses: fold, walk every pair, count what each cause explains.
#include "engine/diagnose.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "engine/expected.h"
#include "engine/explain.h"
#include "engine/fold.h"
#include "engine/packet_causes.h"
#include "engine/place_causes.h"
#include "engine/probed_pairs.h"
#include "engine/table_causes.h"
#include "engine/walk.h"
#include "engine/walk_words.h"

namespace podroute {
namespace {

// What the tables make of a flow.
struct Walked {
    Walk walk;
    std::optional<Explanation> explanation;  // of one that they break
};

struct Unexplained {
    Leg leg;
    PairLines pairs;
    std::size_t probes = 0;
    std::vector<std::string> affects;
};

class Diagnosing {
  public:
    Diagnosing(const Snapshot& snapshot, std::vector<FoldedCause> causes, const ProbedPairs& pairs,
               const Evidence& evidence)
        : snapshot_(snapshot),
          tables_(std::move(causes)),
          walker_(snapshot),
          explainer_(snapshot, walker_, tables_.growing()),
          pairs_(pairs),
          evidence_(evidence),
          packets_(snapshot, evidence.probes, evidence.places),
          overlaps_(expect(snapshot.inventory).overlaps) {
        result_.probed = pairs.counts();
    }

    Diagnoses run() {
        if (evidence_.routing == Routing::fabric) {
            for (const ProbedPair& pair : pairs_.all()) look_at_probes(pair, nullptr);
        } else {
            walk_pairs();
        }
        look_at_sizes();
        look_at_paths();
        tables_.drop_filtered_routes();
        return finish();
    }

  private:
    void walk_pairs() {
        std::set<const ProbedPair*> done;
        for (const Flow& flow : verdict_flows(snapshot_.inventory)) {
            if (!selected(flow)) continue;
            const ProbedPair* pair = pairs_.find(flow);
            look_at(pair != nullptr ? pair->flow : flow, pair);
            if (pair != nullptr) done.insert(pair);
        }
        // Of one host, which no table of another bears on.
        for (const ProbedPair& pair : pairs_.all()) {
            if (done.contains(&pair) || !some_failed(pair)) continue;
            const Walked walked = walk(pair.flow);
            look_at_probes(pair, &walked);
        }
    }
    Walked walk(const Flow& flow) {
        Walked walked{walker_.walk(flow), {}};
        if (walked.walk.status == WalkStatus::broken)
            walked.explanation = explainer_.explain(flow, walked.walk);
        return walked;
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
    // The first that an end of the flow lies in; null: none.
    const Overlap* overlap_of(const Flow& flow) const {
        const auto at = std::find_if(overlaps_.begin(), overlaps_.end(), [&](const Overlap& overlap) {
            const auto in = [&](const Endpoint& end) {
                return end.vantage == Vantage::pod &&
                       (overlap.first.contains(end.address) ||
                        (!overlap.covers_node && overlap.second.contains(end.address)));
            };
            return in(flow.source) || in(flow.destination);
        });
        return at == overlaps_.end() ? nullptr : &*at;
    }

    void look_at(const Flow& flow, const ProbedPair* pair) {
        ++result_.pairs.total;
        if (const Overlap* overlap = overlap_of(flow)) {
            ++result_.pairs.unknown;
            if (pair != nullptr) blame(*overlap, *pair);
            return;
        }
        const Walked walked = walk(flow);
        if (walked.walk.status == WalkStatus::unknown) ++result_.pairs.unknown;
        // The tables say no, the packets pass, and nothing known stands behind it: the packets are right.
        if (walked.walk.status == WalkStatus::broken &&
            (walked.explanation || pair == nullptr || !pair->all_pass()))
            count_broken(flow, walked, pair);
        if (pair != nullptr) look_at_probes(*pair, &walked);
    }

    void blame(const Overlap& overlap, const ProbedPair& pair) {
        const auto& causes = tables_.all();
        const auto at = std::find_if(causes.begin(), causes.end(), [&](const FoldedCause& entry) {
            return entry.cause.code == "inventory-overlap" &&
                   std::find(entry.subjects.begin(), entry.subjects.end(), overlap.subject()) !=
                       entry.subjects.end();
        });
        if (at == causes.end()) return look_at_probes(pair, nullptr);
        for (const PairProbe& probe : pair.probes)
            if (probe.status == Status::fail)
                explained_by(static_cast<std::size_t>(at - causes.begin()), probe);
    }

    void count_broken(const Flow& flow, const Walked& walked, const ProbedPair* pair) {
        ++result_.pairs.broken;
        add_paths(flow, walked.walk);
        if (!walked.explanation) return leave_unexplained(flow, walked.walk);
        ++result_.pairs.explained;
        tables_.add_pair(flow, *walked.explanation, pair != nullptr && pair->all_pass());
    }

    // Null: nothing was walked. What is tried by one next hop is for another address, and may take another
    // route.
    void look_at_probes(const ProbedPair& pair, const Walked* walked) {
        for (const PairProbe& probe : pair.probes) {
            if (probe.status != Status::fail && probe.status != Status::warn) continue;
            if (walked == nullptr || !probe.flow->next_hop) {
                look_at_probe(probe, walked);
                continue;
            }
            const Walked own = walk({probe.flow->source, probe.flow->destination});
            look_at_probe(probe, &own);
        }
    }

    void look_at_probe(const PairProbe& probe, const Walked* walked) {
        const bool failed = probe.status == Status::fail;
        if (failed && explained_by_tables(probe, walked)) return;
        packets_.add(*probe.flow, probe.finding, probe.check_id,
                     walked != nullptr ? leg_of(*walked, probe).hops : std::vector<HostId>{});
        if (failed && walked != nullptr && walked->explanation)
            tables_.add_broken_probe(probe, *walked->explanation, true);
    }

    // The one that failed.
    static const Leg& leg_of(const Walked& walked, const PairProbe& probe) {
        return probe.flow->failed_leg() == ProbeLeg::request ? walked.walk.request : walked.walk.reply;
    }

    bool explained_by_tables(const PairProbe& probe, const Walked* walked) {
        const Place place = evidence_.places.place(*probe.flow);
        const auto full = [&] { return cause_of_full_table(tables_.all(), *probe.flow, place); };
        if (walked == nullptr)
            return explained_by(cause_inside(tables_.all(), place), probe) || explained_by(full(), probe);
        const Leg& leg = leg_of(*walked, probe);
        if (leg.status != WalkStatus::broken)
            return explained_by(
                       cause_of_other_machine(snapshot_.inventory, tables_.all(), *probe.flow, place),
                       probe) ||
                   explained_by(full(), probe);
        if (probe.flow->failed_leg() == ProbeLeg::reply) result_.replies.insert(probe.flow);
        if (!walked->explanation) return stands_unexplained(walked->walk, probe);
        tables_.add_broken_probe(probe, *walked->explanation, false);
        ++result_.probed.explained;
        return true;
    }

    bool explained_by(std::optional<std::size_t> cause, const PairProbe& probe) {
        if (!cause) return false;
        tables_.add_probe(*cause, probe.check_id);
        ++result_.probed.explained;
        return true;
    }

    static std::pair<HostId, std::string> unexplained_key(const Walk& walk) {
        const Leg& leg = walk.request.status == WalkStatus::broken ? walk.request : walk.reply;
        return {leg.stopped_at, leg.reason};
    }
    bool stands_unexplained(const Walk& walk, const PairProbe& probe) {
        const auto at = unexplained_.find(unexplained_key(walk));
        if (at == unexplained_.end()) return false;
        ++at->second.probes;
        at->second.affects.push_back(probe.check_id);
        return true;
    }

    void leave_unexplained(const Flow& flow, const Walk& walk) {
        const bool unread =
            walk.request.status == WalkStatus::unknown || walk.reply.status == WalkStatus::unknown;
        if (!all_selected() || unread) return;
        const Leg& leg = walk.request.status == WalkStatus::broken ? walk.request : walk.reply;
        Unexplained& entry = unexplained_[unexplained_key(walk)];
        entry.leg = leg;
        entry.pairs.add(stop_text(flow, walk));
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
        for (std::size_t i = 0; i < tables_.all().size(); ++i) {
            const Cause& cause = tables_.all()[i].cause;
            if (!is_route_code(cause.code) || cause.severity != Severity::error) continue;
            const auto about = Prefix::parse(cause.subject);
            if (!about) continue;
            const bool there = cause.host == flow.source.host && about->contains(flow.destination.address);
            const bool back = cause.host == flow.destination.host && about->contains(flow.source.address);
            if (!there && !back) continue;
            tables_.add_check(i, check_id);
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

    bool probed() const { return result_.probed.total > 0; }

    Diagnoses finish() {
        packets_.settle();
        tables_.join(packets_.faults());
        result_.list = tables_.take(probed());
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

    Diagnosis unexplained(const Unexplained& entry) const {
        Cause cause;
        cause.code = "unexplained";
        cause.host = entry.leg.stopped_at;
        cause.subject = entry.leg.reason;
        cause.summary = "packets stop at " + entry.leg.stopped_at + " and no known cause predicts it";
        entry.pairs.write(cause.evidence);
        return {std::move(cause), probed() ? entry.probes : entry.pairs.count(), {}, entry.affects};
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
    TableCauses tables_;
    Walker walker_;
    Explainer explainer_;
    const ProbedPairs& pairs_;
    const Evidence& evidence_;
    PacketCauses packets_;
    std::vector<Overlap> overlaps_;
    std::map<std::pair<HostId, std::string>, Unexplained> unexplained_;
    Diagnoses result_;
};

}  // namespace

Diagnoses diagnose(const Snapshot& snapshot, std::span<const Verdict> verdicts,
                   std::span<const std::string> check_ids, const Evidence& evidence) {
    const ProbedPairs pairs(snapshot, evidence.probes, verdicts, check_ids);
    return Diagnosing(snapshot, fold(snapshot, verdicts, check_ids), pairs, evidence).run();
}

}  // namespace podroute
