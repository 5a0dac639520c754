// Follows a broken walk from stop to stop, mending as it goes, then drops what was not needed.
#include "engine/explain.h"

#include <algorithm>

#include "engine/stop_causes.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxRounds = 8;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

bool contains(const std::vector<std::size_t>& list, std::size_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

// rp_filter drops may be due to a wrong route: then the route is the cause.
bool fits(const std::string& stop_code, const std::string& cause_code) {
    if (stop_code == "rp-filter-drop" && is_route_code(cause_code)) return true;
    if (stop_code == "route-missing" && cause_code == "route-partial") return true;
    return stop_code == cause_code;
}

std::optional<Family> family_of(const std::string& subject) {
    if (const auto prefix = Prefix::parse(subject)) return prefix->family();
    if (const auto address = Address::parse(subject)) return address->family();
    return std::nullopt;
}

}  // namespace

Explainer::Explainer(const Snapshot& snapshot, Walker& walker, std::vector<FoldedCause>& causes)
    : snapshot_(snapshot), walker_(walker), causes_(causes) {
    for (const InventoryHost& host : snapshot.inventory.hosts)
        for (const Prefix& cidr : host.pod_cidrs) networks_.insert(cidr.to_string());
    for (std::size_t i = 0; i < causes.size(); ++i) index(i);
}

void Explainer::index(std::size_t i) {
    const Cause& cause = causes_[i].cause;
    families_.push_back(family_of(cause.subject));
    // What is mended on one host may be felt on another: a neighbour that does not answer.
    for (const HostChange& change : cause.remedy)
        if (change.host != cause.host) by_host_[change.host].others.push_back(i);
    HostCauses& at = by_host_[cause.host];
    for (const std::string& subject : causes_[i].subjects) {
        // A policy rule, or a pod bridge with the wrong network, may catch more than its subject.
        const bool wide = cause.code == "rule-diverted" || cause.code == "pod-cidr-mismatch";
        if (networks_.contains(subject) && !wide)
            at.by_network[subject].push_back(i);
        else
            at.others.push_back(i);
    }
}

// A cause of the first object on the way of a broken leg without which that leg is not broken there.
std::optional<std::size_t> Explainer::add_stop_cause(const Flow& flow, const Walk& walk,
                                                     const Indices& taken) {
    const Policy& policy = snapshot_.policy;
    if (!policy.only.empty() || !policy.layers.empty() || !policy.skip.empty()) return std::nullopt;
    for (const bool reply : {false, true}) {
        const Leg& leg = reply ? walk.reply : walk.request;
        if (leg.status != WalkStatus::broken) continue;
        for (Cause& cause : stop_causes(snapshot_, leg, reply ? flow.source : flow.destination)) {
            std::vector<HostChange> overlay = cause.remedy;
            for (const std::size_t i : taken)
                overlay.insert(overlay.end(), causes_[i].cause.remedy.begin(), causes_[i].cause.remedy.end());
            const Walk without = walker_.walk(flow, overlay);
            if ((reply ? without.reply : without.request).status == WalkStatus::broken) continue;
            const std::string subject = cause.subject;
            causes_.push_back({std::move(cause), {}, {subject}});
            index(causes_.size() - 1);
            return causes_.size() - 1;
        }
    }
    return std::nullopt;
}

Explainer::Scope Explainer::scope_of(const Flow& flow) const {
    Scope scope{flow.destination.address.family(), {}};
    for (const Endpoint* endpoint : {&flow.source, &flow.destination}) {
        const InventoryHost* host = snapshot_.inventory.find(endpoint->host);
        if (host == nullptr) continue;
        for (const Prefix& cidr : host->pod_cidrs)
            if (cidr.contains(endpoint->address)) scope.networks.push_back(cidr.to_string());
    }
    return scope;
}

Explainer::Indices Explainer::touching(const HostId& host, const Scope& scope) const {
    const auto at = by_host_.find(host);
    if (at == by_host_.end()) return {};
    Indices found;
    for (const std::string& network : scope.networks) {
        const auto list = at->second.by_network.find(network);
        if (list != at->second.by_network.end())
            found.insert(found.end(), list->second.begin(), list->second.end());
    }
    found.insert(found.end(), at->second.others.begin(), at->second.others.end());
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    std::erase_if(found, [&](std::size_t i) {
        const bool other_family = families_[i] && *families_[i] != scope.family;
        return other_family || causes_[i].cause.severity == Severity::info;
    });
    return found;
}

// The best of what is left: causes where a leg stops whose code fits, else any there, else any on the way.
Explainer::Indices Explainer::next_candidates(const Walk& walk, const Scope& scope,
                                              const Indices& taken) const {
    Indices fitting, there, on_the_way;
    for (const Leg* leg : {&walk.request, &walk.reply}) {
        if (leg->status != WalkStatus::broken) continue;
        std::vector<HostId> hosts = leg->hops;
        if (std::find(hosts.begin(), hosts.end(), leg->stopped_at) == hosts.end())
            hosts.push_back(leg->stopped_at);
        for (const HostId& host : hosts) {
            for (const std::size_t i : touching(host, scope)) {
                if (contains(taken, i) || causes_[i].cause.remedy.empty()) continue;
                const bool here = host == leg->stopped_at;
                on_the_way.push_back(i);
                if (here) there.push_back(i);
                if (here && fits(leg->code, causes_[i].cause.code)) fitting.push_back(i);
            }
        }
    }
    Indices best = !fitting.empty() ? fitting : !there.empty() ? there : on_the_way;
    // Where a reverse path filter drops and a route is wrong too, the route is tried first.
    const bool some_route = std::any_of(best.begin(), best.end(),
                                        [&](std::size_t i) { return is_route_code(causes_[i].cause.code); });
    if (some_route)
        std::erase_if(best, [&](std::size_t i) { return causes_[i].cause.code == "rp-filter-drop"; });
    std::sort(best.begin(), best.end());
    best.erase(std::unique(best.begin(), best.end()), best.end());
    return best;
}

Explainer::Indices Explainer::without_remedy(const Walk& walk, const Scope& scope) const {
    Indices found;
    for (const Leg* leg : {&walk.request, &walk.reply}) {
        if (leg->status != WalkStatus::broken) continue;
        const std::size_t before = found.size();
        for (const std::size_t i : touching(leg->stopped_at, scope))
            if (fits(leg->code, causes_[i].cause.code) && !contains(found, i)) found.push_back(i);
        if (found.size() > before) continue;
        for (const std::size_t i : touching(leg->stopped_at, scope)) {
            const Cause& cause = causes_[i].cause;
            if (cause.remedy.empty() && cause.severity == Severity::error && !contains(found, i))
                found.push_back(i);
        }
        const bool already = std::any_of(found.begin(), found.end(), [&](std::size_t i) {
            return causes_[i].cause.host == leg->stopped_at;
        });
        if (!already) return {};
    }
    return found;
}

Walk Explainer::walk_with(const Flow& flow, const Indices& causes, std::size_t but) {
    std::vector<HostChange> overlay;
    for (const std::size_t i : causes)
        if (i != but)
            overlay.insert(overlay.end(), causes_[i].cause.remedy.begin(), causes_[i].cause.remedy.end());
    return walker_.walk(flow, overlay);
}

std::optional<Explanation> Explainer::explain(const Flow& flow, const Walk& broken) {
    const Scope scope = scope_of(flow);
    Indices set, fixed;  // fixed: taken on their code alone
    Walk now = broken;
    for (std::size_t round = 0; round < kMaxRounds && now.status == WalkStatus::broken; ++round) {
        Indices candidates = next_candidates(now, scope, set);
        if (candidates.empty()) {
            if (!without_remedy(now, scope).empty()) break;
            const auto made = add_stop_cause(flow, now, set);
            if (!made) break;
            candidates.push_back(*made);
        }
        set.insert(set.end(), candidates.begin(), candidates.end());
        now = walk_with(flow, set, kNone);
    }
    Explanation explanation;
    if (now.status == WalkStatus::broken) {
        fixed = without_remedy(now, scope);
        if (fixed.empty()) return std::nullopt;
        for (const std::size_t i : fixed) explanation.parts.push_back({i, now});
        std::erase_if(set, [&](std::size_t i) { return contains(fixed, i); });
        return explanation;
    }
    for (std::size_t at = 0; at < set.size();) {
        Walk without = walk_with(flow, set, set[at]);
        if (without.status != WalkStatus::broken) {
            set.erase(set.begin() + static_cast<std::ptrdiff_t>(at));
            explanation.parts.clear();
            at = 0;  // what was kept before may be needed in another way now
            continue;
        }
        explanation.parts.push_back({set[at], std::move(without)});
        ++at;
    }
    if (explanation.parts.empty()) return std::nullopt;
    return explanation;
}

}  // namespace podroute
