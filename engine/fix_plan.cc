// From causes to fixes: candidates, refusals, prediction, proofs.
#include "engine/fix_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/fix_forwarding.h"
#include "engine/fix_prediction.h"
#include "engine/fix_refusals.h"
#include "engine/fix_text.h"

namespace podroute {
namespace {

// A cause that is never mended by a program, but of which a person wants to read why.
bool told_anyway(const Cause& cause) {
    return cause.code == "forwarding-disabled" && cause.automatic == Automatic::never;
}

bool wanted(const Cause& cause, FixPolicy policy) {
    if (cause.severity != Severity::error) return false;
    if (cause.automatic == Automatic::add || told_anyway(cause)) return true;
    return policy.repair && cause.automatic == Automatic::repair;
}

class Planning {
  public:
    Planning(const Snapshot& snapshot, std::span<const Cause> causes)
        : snapshot_(snapshot), guard_(snapshot, causes) {}

    void add(const Cause& cause) {
        for (const HostChange& remedy : cause.remedy) add(cause, remedy);
    }

    FixPlan finish() {
        in_host_order();
        refuse_what_does_not_help();
        FixPlan plan;
        plan.proofs.resize(fixes_.size());
        std::map<HostId, std::vector<std::size_t>> by_host;
        for (std::size_t i = 0; i < fixes_.size(); ++i)
            if (fixes_[i].status == FixStatus::planned) by_host[fixes_[i].host].push_back(i);
        for (const auto& [host, indices] : by_host) prove(host, indices, plan);
        plan.fixes = std::move(fixes_);
        return plan;
    }

  private:
    void add(const Cause& cause, const HostChange& remedy) {
        const auto facts = snapshot_.hosts.find(remedy.host);
        const InventoryHost* host = snapshot_.inventory.find(remedy.host);
        static const HostFacts kNothing;
        const bool read = facts != snapshot_.hosts.end() && facts->second.known();
        auto change = read && host != nullptr ? narrowest(snapshot_, *host, *facts->second, remedy.change)
                                              : Result<Change>(remedy.change);
        Fix fix = planned_fix(remedy.host, cause.code, change ? *change : remedy.change,
                              read ? *facts->second : kNothing);
        // Two causes that are mended by one change are one fix.
        if (!seen_.emplace(fix.host, object_text(fix.change.object, read ? *facts->second : kNothing)).second)
            return;
        std::string why = guard_.refusal(fix.host, fix.change);
        if (why.empty() && !change) why = change.error().text;
        if (why.empty() && told_anyway(cause)) why = "only a person can weigh that";
        if (!why.empty()) refuse(fix, why);
        fixes_.push_back(std::move(fix));
    }

    static void refuse(Fix& fix, std::string why) {
        fix.status = FixStatus::refused;
        fix.reason = std::move(why);
    }

    void in_host_order() {
        std::map<HostId, std::size_t> order;
        for (const InventoryHost& host : snapshot_.inventory.hosts) order.emplace(host.name, order.size());
        std::stable_sort(fixes_.begin(), fixes_.end(),
                         [&](const Fix& a, const Fix& b) { return order[a.host] < order[b.host]; });
    }

    // What helps only together with a fix that is refused now has to be looked at again.
    void refuse_what_does_not_help() {
        Walker walker(snapshot_);
        bool again = true;
        while (again) {
            again = false;
            FixPrediction prediction(snapshot_, walker, fixes_);
            std::vector<std::size_t> useless;
            for (std::size_t i = 0; i < fixes_.size(); ++i)
                if (fixes_[i].status == FixStatus::planned && !prediction.helps(i)) useless.push_back(i);
            for (const std::size_t i : useless)
                refuse(fixes_[i], "by what the tables say, no packet would get through that does not now");
            again = !useless.empty();
        }
    }

    void prove(const HostId& host, const std::vector<std::size_t>& indices, FixPlan& plan) {
        std::vector<const Fix*> fixes;
        for (const std::size_t i : indices) fixes.push_back(&fixes_[i]);
        auto proofs = proofs_of(snapshot_, host, fixes);
        for (std::size_t i = 0; i < indices.size(); ++i) {
            const bool route = std::holds_alternative<RouteObject>(fixes[i]->change.object);
            if (route && proofs[i].empty())
                refuse(fixes_[indices[i]], "no lookup could show afterwards that it works");
            plan.proofs[indices[i]] = std::move(proofs[i]);
        }
    }

    const Snapshot& snapshot_;
    FixGuard guard_;
    std::vector<Fix> fixes_;
    std::set<std::pair<HostId, std::string>> seen_;  // host and object
};

}  // namespace

Result<FixPlan> plan_fix(const Snapshot& snapshot, std::span<const Cause> causes, FixPolicy policy) {
    if (snapshot.run.cancelled)
        return failure("cancelled", "the run was stopped before everything was read: nothing is planned");
    Planning planning(snapshot, causes);
    for (const Cause& cause : causes)
        if (wanted(cause, policy)) planning.add(cause);
    return planning.finish();
}

}  // namespace podroute
