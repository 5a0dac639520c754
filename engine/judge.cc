// Runs the checks, gives every verdict its id, and speaks the verdict of the run (design.md section 2).
#include "engine/judge.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "engine/diagnose.h"
#include "engine/expected.h"
#include "engine/login_text.h"
#include "engine/probe_reports.h"
#include "engine/routing.h"

namespace podroute {
namespace {

constexpr int kExitPass = 0, kExitFail = 1, kExitUnknown = 3;

// Causes that say a host or the tool could not be used; nothing about the network.
bool is_access_code(const std::string& code) {
    static constexpr std::array<std::string_view, 6> codes{"ssh-auth-failed",       "ssh-host-key-unknown",
                                                           "ssh-host-key-mismatch", "ssh-failed",
                                                           "agent-failed",          "probe-unavailable"};
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// Assertions about routes on hosts; what a host makes of its own pod CIDR holds in any fabric.
bool needs_host_routes(const Check& check) {
    return check.layer == Layer::routes && !check.code.starts_with("pod-cidr");
}

void make_skip(Verdict& verdict, const std::string& reason) {
    verdict.status = Status::skip;
    verdict.message = reason;
    verdict.blocked_by.clear();
    verdict.causes.clear();
}

std::vector<Verdict> run_check(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& probes,
                               const Check& check) {
    const Policy& policy = snapshot.policy;
    std::vector<Verdict> verdicts = check.run(snapshot, expected, probes);
    std::erase_if(verdicts, [&](const Verdict& verdict) {
        const bool theirs = policy.only.contains(verdict.host) || policy.only.contains(verdict.peer);
        return !policy.only.empty() && !verdict.host.empty() && !theirs;
    });
    for (Verdict& verdict : verdicts) {
        verdict.check = check.code;
        verdict.layer = check.layer;
        if (policy.skip.contains(std::string(check.code)))
            make_skip(verdict, "skipped by --skip " + std::string(check.code));
        else if (expected.routing == Routing::fabric && needs_host_routes(check))
            make_skip(verdict, policy.routing == Routing::fabric
                                   ? "pod networks are routed by the fabric (--routing fabric)"
                                   : "pod networks are routed by the fabric");
    }
    return verdicts;
}

std::string unique_id(const Verdict& verdict, std::map<std::string, unsigned>& seen) {
    std::string id =
        verdict.check + "/" + (verdict.host.empty() ? "-" : verdict.host) + "/" + verdict.subject;
    const unsigned count = ++seen[id];
    return count == 1 ? id : id + "#" + std::to_string(count);
}

// A skip is right as long as what stands in its way is told. Where that was not selected nobody tells it, and
// what was skipped for it is unknown.
void hold_to_blockers(std::vector<Verdict>& verdicts, std::span<const std::string> ids) {
    std::set<std::string_view> told;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        const Verdict& verdict = verdicts[i];
        if (verdict.status == Status::pass || verdict.status == Status::skip) continue;
        told.insert(verdict.check);
        told.insert(ids[i]);
        for (const Cause& cause : verdict.causes) told.insert(cause.code);
    }
    for (Verdict& verdict : verdicts) {
        if (verdict.status != Status::skip || verdict.blocked_by.empty()) continue;
        if (told.contains(verdict.blocked_by)) continue;
        verdict.status = Status::unknown;
        verdict.message += (verdict.message.empty() ? "" : "; ") + verdict.blocked_by + " is not judged";
    }
}

void count(Counts& counts, Status status) {
    switch (status) {
        case Status::pass:
            ++counts.pass;
            return;
        case Status::fail:
            ++counts.fail;
            return;
        case Status::warn:
            ++counts.warn;
            return;
        case Status::skip:
            ++counts.skip;
            return;
        case Status::unknown:
            ++counts.unknown;
            return;
    }
}

// What of the checks bears on the exit code.
struct Outcome {
    bool network_error = false, access_error = false, warning = false, unknown = false;
};

void add_verdict(Outcome& outcome, const Verdict& verdict, bool can_error) {
    if (verdict.status == Status::unknown && can_error) outcome.unknown = true;
    if (verdict.status == Status::warn) outcome.warning = true;
    // A failed check always has a cause; one without is still no pass.
    if (verdict.status == Status::fail && verdict.causes.empty()) outcome.network_error = true;
}

void add_diagnosis(Outcome& outcome, const Cause& cause) {
    if (cause.severity == Severity::warning) outcome.warning = true;
    if (cause.severity != Severity::error) return;
    (is_access_code(cause.code) ? outcome.access_error : outcome.network_error) = true;
}

bool unsettled(const Snapshot& snapshot) {
    return std::any_of(snapshot.rounds.begin(), snapshot.rounds.end(), [](const RoundResult& round) {
        return round.stage == RoundStage::fixer && !round.hosts.empty();
    });
}

// Every command of the report as the hosts were logged in to; what cannot be pasted is left out.
void write_commands(Report& report, const Snapshot& snapshot) {
    for (Diagnosis& diagnosis : report.diagnoses) {
        for (std::string& command : diagnosis.cause.commands) command = as_logged_in(command, snapshot);
        std::erase(diagnosis.cause.commands, "");
    }
    for (Fix& fix : report.fixes) fix.command = as_logged_in(fix.command, snapshot);
}

void conclude(Report& report, const Outcome& outcome, const Snapshot& snapshot) {
    const bool fails =
        outcome.network_error || (outcome.warning && snapshot.policy.fail_on == FailOn::warning);
    const bool untested =
        outcome.access_error || outcome.unknown || snapshot.run.cancelled || report.checks_summary.pass == 0;
    report.verdict = fails ? RunVerdict::fail : untested ? RunVerdict::unknown : RunVerdict::pass;
    report.exit_code = fails ? kExitFail : untested ? kExitUnknown : kExitPass;
}

}  // namespace

Report judge(const Snapshot& snapshot, std::span<const Check> checks) {
    Report report;
    report.run = snapshot.run;
    const ProbeFacts probes = fold_probes(snapshot);
    Places places(snapshot);
    report.routing = routing_of(snapshot, probes);
    report.inventory = snapshot.inventory;
    report.fixes = snapshot.fixes;
    Expected expected = expect(snapshot.inventory);
    expected.routing = report.routing;
    std::vector<Verdict> verdicts;
    std::vector<std::string> ids;
    std::map<std::string, unsigned> seen;
    Outcome outcome;
    outcome.unknown = unsettled(snapshot);
    std::set<std::string_view> can_error;
    for (const Check& check : checks) {
        if (!snapshot.policy.layers.empty() && !snapshot.policy.layers.contains(check.layer)) continue;
        if (check.can_error) can_error.insert(check.code);
        for (Verdict& verdict : run_check(snapshot, expected, probes, check)) {
            ids.push_back(unique_id(verdict, seen));
            verdicts.push_back(std::move(verdict));
        }
    }
    hold_to_blockers(verdicts, ids);
    for (const Verdict& verdict : verdicts) {
        count(report.checks_summary, verdict.status);
        add_verdict(outcome, verdict, can_error.contains(verdict.check));
    }
    Diagnoses diagnoses = diagnose(snapshot, verdicts, ids, {probes, places, report.routing});
    for (const Diagnosis& diagnosis : diagnoses.list) add_diagnosis(outcome, diagnosis.cause);
    report.diagnoses = std::move(diagnoses.list);
    report.pairs = diagnoses.pairs;
    report.probed = diagnoses.probed;
    report.paths = packet_paths(snapshot, probes, places, std::move(diagnoses.paths));
    report.probes = probe_reports(probes, places, diagnoses.replies);
    report.probes_summary = count_probes(report.probes);
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        verdicts[i].causes.clear();
        report.checks.push_back({ids[i], std::move(verdicts[i])});
    }
    write_commands(report, snapshot);
    conclude(report, outcome, snapshot);
    return report;
}

}  // namespace podroute
