// What --fix did, as testcases. They say what happened; whether the network works now is for the others to
// say.
#include <fmt/format.h>

#include "reports/junit_cases.h"

namespace podroute::junit {
namespace {

// A fix that failed is red only where the run is not green without it.
Outcome outcome_of(const Fix& fix, RunVerdict verdict) {
    switch (fix.status) {
        case FixStatus::refused:
            return Outcome::skipped;
        case FixStatus::failed:
        case FixStatus::reverted:
            return verdict == RunVerdict::pass ? Outcome::skipped : Outcome::error;
        default:
            return Outcome::pass;
    }
}

}  // namespace

void add_fixes(const Report& report, std::size_t max_cases, std::vector<Case>& cases) {
    for (const Fix& fix : report.fixes) {
        Case made;
        made.suite = "fix";
        made.classname = classname("fix", fix.host);
        made.name = bounded_name("fix/" + fix.id);
        made.outcome = outcome_of(fix, report.verdict);
        // What went well is in the JSON report, too: a file must not grow without bound.
        if (made.outcome == Outcome::pass && report.fixes.size() > max_cases) continue;
        made.type = fmt::format("fix-{}", to_string(fix.status));
        made.message = fmt::format("{}: {}", to_string(fix.status), fix.reason);
        made.body = fmt::format("{}: {}\n", to_string(fix.status), fix.command);
        for (const std::string& line : fix.diff) made.body += "  " + line + "\n";
        if (!fix.reason.empty()) made.body += fix.reason + "\n";
        cases.push_back(std::move(made));
    }
}

}  // namespace podroute::junit
