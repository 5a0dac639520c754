#include "reports/junit_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "reports/text.h"

namespace podroute::junit {
namespace {

constexpr std::size_t kMaxName = 512;          // Azure Pipelines
constexpr std::size_t kMaxBody = 50'000;       // of one testcase
constexpr std::size_t kMaxBodies = 8'000'000;  // of all of them, so that the file stays under GitLab's 30 MB
constexpr std::size_t kMaxMessage = 300;

using CausesByCheck = std::unordered_map<std::string_view, std::vector<const Diagnosis*>>;

CausesByCheck causes_by_check(const Report& report) {
    CausesByCheck causes;
    for (const Diagnosis& diagnosis : report.diagnoses)
        for (const std::string& id : diagnosis.affects) causes[id].push_back(&diagnosis);
    return causes;
}

// FNV-1a: names that differ only where they were cut stay different, and the same from run to run.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return hash;
}

void append_line(std::string& body, std::string_view name, std::string_view text) {
    if (!text.empty() && body.size() < kMaxBody) body += fmt::format("{}{}\n", name, text);
}

void append_cause(std::string& body, const Diagnosis& diagnosis) {
    const Cause& cause = diagnosis.cause;
    append_line(body, fmt::format("{}[{}]: ", to_string(cause.severity), cause.code), cause.summary);
    for (const std::string& line : cause.evidence) append_line(body, "  ", line);
    for (const std::string& command : cause.commands) append_line(body, "  help: ", command);
}

std::string body_of(const Verdict& verdict, const std::vector<const Diagnosis*>& causes) {
    std::string body;
    append_line(body, "expected  ", verdict.expected);
    append_line(body, "found     ", verdict.observed);
    append_line(body, "blocked by  ", verdict.blocked_by);
    for (const Diagnosis* cause : causes) append_cause(body, *cause);
    return body;
}

// A check that can only warn may be unknown in a run that passed: then it must not turn a pipeline red.
Outcome outcome_of(Status status, RunVerdict verdict) {
    switch (status) {
        case Status::pass:
        case Status::warn:
            return Outcome::pass;
        case Status::fail:
            return Outcome::failure;
        case Status::skip:
            return Outcome::skipped;
        case Status::unknown:
            break;
    }
    return verdict == RunVerdict::pass ? Outcome::skipped : Outcome::error;
}

// Causes that say nothing of the network, only that it could not be looked at.
bool not_tested(std::string_view cause) {
    return cause.starts_with("ssh-") || cause == "agent-failed" || cause == "probe-unavailable";
}

Case case_of(const CheckResult& check, const CausesByCheck& causes, RunVerdict run) {
    const Verdict& verdict = check.verdict;
    static const std::vector<const Diagnosis*> kNone;
    const auto at = causes.find(check.id);
    const auto& found = at == causes.end() ? kNone : at->second;
    Case result;
    result.suite = to_string(verdict.layer);
    result.classname = classname(result.suite, verdict.host);
    result.name = bounded_name(check.id);
    result.outcome = outcome_of(verdict.status, run);
    if (result.outcome == Outcome::failure) {
        result.type = found.empty() ? verdict.check : found.front()->cause.code;
        if (not_tested(result.type)) result.outcome = Outcome::error;
    } else if (result.outcome == Outcome::error) {
        result.type = verdict.blocked_by.empty() ? "unknown" : verdict.blocked_by;
    }
    result.message = verdict.message;
    if (result.outcome == Outcome::skipped && !verdict.blocked_by.empty())
        result.message += (result.message.empty() ? "blocked by " : "; blocked by ") + verdict.blocked_by;
    if (verdict.status == Status::warn) append_line(result.body, "warning: ", verdict.message);
    if (verdict.status != Status::pass) result.body += body_of(verdict, found);
    return result;
}

// Rank of what a case of several checks becomes: the worst of them.
int rank(Outcome outcome) {
    constexpr std::array<int, 4> kRank{1, 3, 2, 0};
    return kRank.at(static_cast<std::size_t>(outcome));
}

void merge(Case& whole, const Case& part) {
    append_line(whole.body, "", part.outcome == Outcome::pass ? "" : part.name + ": " + part.message);
    if (rank(part.outcome) > rank(whole.outcome)) {
        whole.outcome = part.outcome;
        whole.type = part.type;
        whole.message = part.message;
    }
}

// The checks of one code on one host as one case.
std::vector<Case> aggregated(const Report& report, const CausesByCheck& causes) {
    struct Whole {
        Case result;
        std::size_t checks = 0, bad = 0;
    };
    std::vector<Whole> wholes;
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> at;
    for (const CheckResult& check : report.checks) {
        Case part = case_of(check, causes, report.verdict);
        const auto key =
            std::pair<std::string_view, std::string_view>(check.verdict.check, check.verdict.host);
        const auto [found, added] = at.emplace(key, wholes.size());
        if (added) {
            wholes.push_back({part, 0, 0});
            wholes.back().result.body.clear();
            wholes.back().result.name =
                bounded_name(check.verdict.check + "/" + check.verdict.host + " (all)");
        }
        Whole& whole = wholes[found->second];
        ++whole.checks;
        if (rank(part.outcome) > 1) ++whole.bad;
        merge(whole.result, part);
    }
    std::vector<Case> cases;
    for (Whole& whole : wholes) {
        if (whole.bad > 0)
            whole.result.message = fmt::format("{} of {}: {}", whole.bad, whole.checks, whole.result.message);
        cases.push_back(std::move(whole.result));
    }
    return cases;
}

// Says whether the run itself came to an end, and is red where the verdict is but no other case would be.
Case run_case(const Report& report, const std::vector<Case>& others) {
    Case run{"run", "podroute.run", "run", Outcome::pass, "", "", ""};
    const auto any = [&](Outcome outcome) {
        return std::any_of(others.begin(), others.end(), [&](const Case& c) { return c.outcome == outcome; });
    };
    if (report.verdict == RunVerdict::aborted || report.error) {
        run.outcome = Outcome::error;
        run.type = report.error ? report.error->code : "aborted";
        run.message = report.error ? report.error->text : "the run was ended before it came to a verdict";
        if (report.error) run.body = report.error->where;
    } else if (report.run.cancelled) {
        // Whatever was found until then: the other cases are not all there are.
        run.outcome = Outcome::error;
        run.type = "cancelled";
        run.message = "the run was cancelled by a signal before everything was looked at";
    } else if (report.verdict == RunVerdict::fail && !any(Outcome::failure)) {
        run.outcome = Outcome::failure;
        run.type = report.diagnoses.empty() ? "failed" : report.diagnoses.front().cause.code;
        run.message = report.diagnoses.empty() ? "the run failed" : report.diagnoses.front().cause.summary;
        for (const Diagnosis& diagnosis : report.diagnoses) append_cause(run.body, diagnosis);
    } else if (report.verdict == RunVerdict::unknown && !any(Outcome::error)) {
        run.outcome = Outcome::error;
        run.type = "inconclusive";
        run.message = "nothing failed, but nothing was proven either: no check passed";
    }
    return run;
}

// A cause that no failed check stands for (a broken pair that nothing explains) is a case of its own.
void add_lone_causes(const Report& report, std::vector<Case>& cases) {
    for (const Diagnosis& diagnosis : report.diagnoses) {
        const Cause& cause = diagnosis.cause;
        if (cause.severity != Severity::error || !diagnosis.affects.empty()) continue;
        Case lone{"run", classname("run", cause.host), "", Outcome::failure, cause.code, cause.summary, ""};
        lone.name = bounded_name(cause.code + "/" + cause.host + "/" + cause.subject);
        append_cause(lone.body, diagnosis);
        cases.push_back(std::move(lone));
    }
}

void make_unique(std::vector<Case>& cases) {
    std::unordered_set<std::string> names;
    std::unordered_map<std::string, std::size_t> repeated;
    for (Case& c : cases) {
        if (names.insert(c.name).second) continue;
        const std::string stem = xml_line(c.name, kMaxName - 12);
        std::size_t& n = repeated[stem];
        do {
            c.name = fmt::format("{} ({})", stem, ++n + 1);
        } while (!names.insert(c.name).second);
    }
}

void make_printable(std::vector<Case>& cases) {
    std::size_t bodies = 0;
    for (Case& c : cases) {
        c.type = xml_line(c.type, 100);
        c.message = xml_line(c.message, kMaxMessage);
        if (c.body.empty()) continue;
        if (bodies >= kMaxBodies) {
            c.body = "left out: the JSON report holds it\n";
            continue;
        }
        c.body = xml_text(c.body, kMaxBody);
        bodies += c.body.size();
    }
}

bool xml_char(char32_t c) {
    if (c == '\n' || c == '\t') return true;
    // C1 controls are legal in XML, but mean nothing to a reader.
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return false;
    return c != 0xFFFE && c != 0xFFFF;
}

std::string filtered(std::string_view text, std::size_t max_bytes, bool one_line) {
    std::string out;
    std::string piece;
    while (!text.empty()) {
        const auto plain = static_cast<std::size_t>(
            std::find_if(text.begin(), text.end(), [](char c) { return c < 0x20 || c >= 0x7F; }) -
            text.begin());
        if (out.size() + plain > max_bytes) return out += text.substr(0, max_bytes - out.size());
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        const CodePoint c = first_code_point(text);
        text.remove_prefix(c.size);
        if (!xml_char(c.value)) continue;
        piece.clear();
        append_utf8(piece, one_line && (c.value == '\n' || c.value == '\t') ? U' ' : c.value);
        if (out.size() + piece.size() > max_bytes) break;
        out += piece;
    }
    return out;
}

}  // namespace

std::string bounded_name(const std::string& raw) {
    std::string name = xml_line(raw, raw.size() * 3 + 1);
    if (name.size() <= kMaxName) return name;
    return xml_line(name, kMaxName - 20) + fmt::format(" #{:016x}", hash_of(raw));
}

std::string classname(std::string_view suite, const std::string& host) {
    return xml_line(fmt::format("podroute.{}.{}", suite, host.empty() ? "cluster" : host), kMaxName);
}

std::string xml_text(std::string_view text, std::size_t max_bytes) {
    return filtered(text, max_bytes, false);
}

std::string xml_line(std::string_view text, std::size_t max_bytes) {
    return filtered(text, max_bytes, true);
}

std::vector<Case> cases_of(const Report& report, std::size_t max_cases) {
    const CausesByCheck causes = causes_by_check(report);
    std::vector<Case> checks;
    if (report.checks.size() > max_cases) {
        checks = aggregated(report, causes);
    } else {
        for (const CheckResult& check : report.checks)
            checks.push_back(case_of(check, causes, report.verdict));
    }
    std::vector<Case> lone;
    add_lone_causes(report, lone);
    std::vector<Case> cases = std::move(lone);
    std::move(checks.begin(), checks.end(), std::back_inserter(cases));
    cases.insert(cases.begin(), run_case(report, cases));
    add_fixes(report, max_cases, cases);
    make_unique(cases);
    make_printable(cases);
    return cases;
}

}  // namespace podroute::junit
