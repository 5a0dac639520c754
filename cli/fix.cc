// verify --fix, in order: recover, observe, judge, plan, announce, repair, observe.
#include "cli/fix.h"

#include <algorithm>

#include "checks/registry.h"
#include "engine/fix_plan.h"
#include "engine/fix_text.h"
#include "engine/judge.h"

namespace podroute::cli {
namespace {

const HostFacts& facts_of(const Snapshot& snapshot, const HostId& host) {
    static const HostFacts kNothing;
    const auto at = snapshot.hosts.find(host);
    return at != snapshot.hosts.end() && at->second.known() ? *at->second : kNothing;
}

std::vector<Cause> causes_of(const Snapshot& snapshot) {
    std::vector<Cause> causes;
    for (Diagnosis& diagnosis : judge(snapshot, all_checks()).diagnoses)
        causes.push_back(std::move(diagnosis.cause));
    return causes;
}

// What was asked to be judged is what is mended. What options left out may still speak against a fix: those
// causes are there as well, but are never mended.
std::vector<Cause> causes_for_plan(const Snapshot& snapshot) {
    std::vector<Cause> causes = causes_of(snapshot);
    const Policy& policy = snapshot.policy;
    if (policy.only.empty() && policy.layers.empty() && policy.skip.empty()) return causes;
    Snapshot whole = snapshot;
    whole.policy.only.clear();
    whole.policy.layers.clear();
    whole.policy.skip.clear();
    for (Cause& cause : causes_of(whole)) {
        cause.automatic = Automatic::never;
        cause.remedy.clear();
        causes.push_back(std::move(cause));
    }
    return causes;
}

bool touched(const std::vector<Fix>& fixes) {
    return std::any_of(fixes.begin(), fixes.end(), [](const Fix& fix) {
        return fix.status != FixStatus::planned && fix.status != FixStatus::refused;
    });
}

constexpr int kSettleTries = 3;

bool is_busy(const Observed<Recovered>& found) {
    return !found.known() && found.unknown().code == kFixerBusy;
}

bool any_busy(const RecoveredHosts& hosts) {
    return std::any_of(hosts.begin(), hosts.end(), [](const auto& entry) { return is_busy(entry.second); });
}

bool some_got_free(const RecoveredHosts& before, const RecoveredHosts& now) {
    return std::any_of(before.begin(), before.end(), [&](const auto& entry) {
        const auto at = now.find(entry.first);
        return is_busy(entry.second) && at != now.end() && !is_busy(at->second);
    });
}

// Another run was changing hosts while this one looked. Those it is done with are looked at again; of the
// others the snapshot says so.
void settle(Session& session, const Snapshot& start, RecoveredHosts busy, Snapshot& seen,
            std::vector<Fix>& earlier, const std::stop_token& cancel) {
    for (int i = 0; i < kSettleTries && any_busy(busy) && !cancel.stop_requested(); ++i) {
        RecoveredHosts now = recover(session.fleet(), cancel);
        const bool again = some_got_free(busy, now);
        busy = std::move(now);
        if (!again) break;
        for (Fix& fix : recovered_fixes(busy, seen)) earlier.push_back(std::move(fix));
        seen = session.observe(start);
    }
    RoundResult round;
    round.stage = RoundStage::fixer;
    for (const auto& [host, found] : busy)
        if (is_busy(found)) round.hosts.emplace(host, Unknown{found.unknown().why, "", ""});
    if (!round.hosts.empty()) seen.rounds.push_back(std::move(round));
}

void refuse_unannounced(const Error& error, std::vector<Fix>& fixes) {
    for (Fix& fix : fixes) {
        if (fix.status != FixStatus::planned) continue;
        fix.status = FixStatus::refused;
        fix.reason = "the plan could not be recorded before the change: " + error.text;
    }
}

}  // namespace

std::vector<Fix> recovered_fixes(const RecoveredHosts& recovered, const Snapshot& names) {
    std::vector<Fix> fixes;
    for (const InventoryHost& host : names.inventory.hosts) {
        const auto at = recovered.find(host.name);
        if (at == recovered.end() || !at->second.known()) continue;
        const Recovered& found = *at->second;
        for (std::size_t i = 0; i < found.changes.size(); ++i) {
            Fix fix = planned_fix(host.name, "recovered", found.changes[i], facts_of(names, host.name));
            fix.status = found.outcomes[i].status;
            fix.reason = "run " + found.run + " had ended before it kept this";
            if (!found.outcomes[i].reason.empty()) fix.reason += ": " + found.outcomes[i].reason;
            fixes.push_back(std::move(fix));
        }
    }
    return fixes;
}

void refuse_unrecovered(const RecoveredHosts& recovered, std::vector<Fix>& fixes) {
    for (Fix& fix : fixes) {
        const auto at = recovered.find(fix.host);
        if (fix.status != FixStatus::planned || at == recovered.end() || at->second.known()) continue;
        fix.status = FixStatus::refused;
        fix.reason =
            "whether an earlier run left something there could not be found out: " + at->second.unknown().why;
    }
}

Snapshot fix_cluster(Session& session, const Snapshot& start, const FixOptions& options,
                     const Announce& announce, const std::stop_token& cancel) {
    RecoveredHosts recovered;
    if (!options.dry_run) recovered = recover(session.fleet(), cancel);
    Snapshot seen = session.observe(start);
    std::vector<Fix> earlier = recovered_fixes(recovered, seen);
    auto plan = plan_fix(seen, causes_for_plan(seen), {options.mode == FixMode::repair});
    std::vector<Fix> fixes;
    if (plan) fixes = std::move(plan->fixes);
    if (plan && !options.dry_run) {
        session.phase("changing hosts");
        refuse_unrecovered(recovered, fixes);
        if (const auto told = announce(fixes); !told) refuse_unannounced(told.error(), fixes);
        RepairOptions repair_options{start.run.id, start.run.started};
        repair_options.show = [&](const Fix& fix, const std::optional<State>& state) {
            const auto lines = state_lines(fix.change.object, state, facts_of(seen, fix.host));
            return lines.empty() ? std::string("nothing") : lines.front();
        };
        fixes = repair(session.fleet(), std::move(fixes), plan->proofs, repair_options, cancel);
    }
    const bool changed = touched(fixes);
    Snapshot after = changed ? session.observe(start) : std::move(seen);
    settle(session, start, std::move(recovered), after, earlier, cancel);
    fixes.insert(fixes.begin(), std::make_move_iterator(earlier.begin()),
                 std::make_move_iterator(earlier.end()));
    after.fixes = std::move(fixes);
    return after;
}

}  // namespace podroute::cli
