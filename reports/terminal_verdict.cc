// The last line of the terminal report, which is also all that --quiet prints.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reports/terminal_parts.h"
#include "reports/text.h"

namespace podroute::terminal {
namespace {

std::size_t count(const Report& report, Severity severity) {
    return static_cast<std::size_t>(
        std::count_if(report.diagnoses.begin(), report.diagnoses.end(),
                      [&](const Diagnosis& d) { return d.cause.severity == severity; }));
}

std::string cause_text(const Page& page, const Cause& cause) {
    return page.clean(cause.code, 80) + (cause.host.empty() ? "" : " on " + page.clean(cause.host, 80));
}

// Causes of error level that predict broken pairs; `unexplained` only collects those that nothing predicts.
std::size_t explaining_causes(const Report& report) {
    return static_cast<std::size_t>(
        std::count_if(report.diagnoses.begin(), report.diagnoses.end(), [](const Diagnosis& d) {
            return d.cause.severity == Severity::error && d.explains > 0 && d.cause.code != "unexplained";
        }));
}

}  // namespace

const PairCounts& tested_pairs(const Report& report) {
    return report.probed.total > 0 ? report.probed : report.pairs;
}

std::string failed_pairs(const Report& report, std::size_t n) {
    return counted(n, report.probed.total > 0 ? "failed probe" : "broken pair");
}

namespace {

std::string failed(const Page& page, const Report& report) {
    const std::size_t errors = count(report, Severity::error);
    const PairCounts& pairs = tested_pairs(report);
    const auto unexplained = static_cast<std::size_t>(
        std::count_if(report.diagnoses.begin(), report.diagnoses.end(), [](const Diagnosis& d) {
            return d.cause.severity == Severity::error && d.cause.code == "unexplained";
        }));
    const std::size_t open = pairs.broken - std::min(pairs.broken, pairs.explained);
    if (errors == 0) {
        const std::size_t warnings = count(report, Severity::warning);
        return warnings == 0 ? "checks failed" : counted(warnings, "warning") + ", and no error";
    }
    const std::size_t explaining = explaining_causes(report);
    std::string text;
    std::size_t more = errors - unexplained;
    if (explaining > 0) {
        text = fmt::format("{} {} {} of {}", counted(explaining, "cause"),
                           explaining == 1 ? "explains" : "explain", pairs.explained,
                           failed_pairs(report, pairs.broken));
        if (unexplained > 0) text += fmt::format(", {} unexplained", open);
        more -= explaining;
    } else if (unexplained > 0) {
        text = fmt::format("{} of {} unexplained", open, failed_pairs(report, pairs.broken));
    } else {
        return errors == 1 ? "1 cause: " + cause_text(page, report.diagnoses.front().cause)
                           : counted(errors, "cause");
    }
    if (more > 0) text += fmt::format(", {} more found", more);
    return text;
}

std::string why_of(const Page& page, const Cause& cause) {
    const std::string host = cause.host.empty() ? "a host" : page.clean(cause.host, 80);
    if (cause.code == "host-unreachable") return host + " was not reached";
    if (cause.code == "ssh-auth-failed") return "the login on " + host + " was refused";
    if (cause.code.starts_with("ssh-host-key")) return "the host key of " + host + " is not trusted";
    if (cause.code == "ssh-failed") return "no SSH session came up on " + host;
    if (cause.code == "agent-failed") return "the agent failed on " + host;
    if (cause.code == "probe-unavailable") return "no packets could be sent on " + host;
    return cause_text(page, cause);
}

std::string inconclusive(const Page& page, const Report& report) {
    const Counts& counts = report.checks_summary;
    const std::size_t errors = count(report, Severity::error);
    if (report.error) return page.clean(report.error->text, 300);
    if (counts.unknown == 0) {
        if (errors > 0) return why_of(page, report.diagnoses.front().cause);
        return report.run.cancelled ? "the run was stopped" : "nothing was tested";
    }
    std::set<std::string_view> at_fault;
    for (const Diagnosis& diagnosis : report.diagnoses)
        if (diagnosis.cause.severity == Severity::error) at_fault.insert(diagnosis.cause.host);
    std::vector<std::string> hosts;
    std::set<std::string_view> seen;
    std::string_view first;  // what is said of the first that is unknown
    // The host of a pair is its source, whichever end it was.
    for (const CheckResult& check : report.checks) {
        if (check.verdict.status != Status::unknown || check.verdict.host.empty()) continue;
        if (first.empty()) first = check.verdict.message;
        if (check.verdict.layer >= Layer::icmp) continue;
        if (seen.insert(check.verdict.host).second) hosts.push_back(page.clean(check.verdict.host, 80));
    }
    const std::string start = fmt::format("{} unknown because ", counts.unknown);
    if (report.run.cancelled) return start + "the run was stopped";
    if (at_fault.size() == 1) return start + why_of(page, report.diagnoses.front().cause);
    if (at_fault.size() > 1)
        return fmt::format("{}{} could not be read or probed", start, counted(at_fault.size(), "host"));
    if (hosts.empty())
        return start + (first.empty() ? "of what could not be read" : "of " + page.clean(first, 120));
    return start + "of what could not be read on " + list_fitting(hosts, 30);
}

std::string passed(const Report& report) {
    const PairCounts& pairs = tested_pairs(report);
    const bool probed = report.probed.total > 0;
    const std::size_t works = pairs.total - std::min(pairs.total, pairs.broken + pairs.unknown);
    const std::string tested = counted(pairs.total, probed ? "probe" : "pair");
    std::string text;
    if (pairs.total == 0 || pairs.broken > 0)
        text = counted(report.checks_summary.pass, "check") + " pass";
    else if (probed)  // the packets, so that what only earned a warning is not counted as answered
        text = fmt::format("{} of {} answered", report.probes_summary.answered,
                           counted(report.probes_summary.sent, "packet"));
    else
        text = fmt::format("{} of {} routed both ways", works, tested);
    // A broken pair fails the run, unless options left its cause out.
    if (pairs.broken > 0)
        text += fmt::format(", but {} of {} are broken by what was left out", pairs.broken, tested);
    if (const std::size_t warnings = count(report, Severity::warning); warnings > 0)
        text += ", " + counted(warnings, "warning");
    return text;
}

// What of `parts` fits after `start`; all of it is in the lines above as well, unless those are not printed.
std::string with_parts(const Page& page, std::string start, std::size_t width,
                       const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
        width += 3 + display_width(part);
        if (!page.options().quiet && width > page.width()) break;
        start += "   " + part;
    }
    return start;
}

}  // namespace

std::string duration_text(std::int64_t ms) {
    if (ms < 0) ms = 0;
    if (ms < 60'000) return fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
    return fmt::format("{} min {} s", ms / 60'000, ms % 60'000 / 1000);
}

std::string last_line(const Page& page, const Report& report) {
    const Counts& counts = report.checks_summary;
    std::vector<std::string> parts;
    std::string word = "FAILED";
    std::string text;
    Ink ink = Ink::red;
    switch (report.verdict) {
        case RunVerdict::pass:
            word = "PASSED";
            ink = Ink::bold;
            text = passed(report);
            parts.push_back(counts.pass == counts.total() - counts.skip
                                ? counted(counts.pass, "check")
                                : fmt::format("{} of {} pass", counts.pass,
                                              counted(counts.total() - counts.skip, "check")));
            break;
        case RunVerdict::fail:
            text = failed(page, report);
            if (counts.unknown > 0) text += ", " + counted(counts.unknown, "check") + " unknown";
            parts.push_back(
                fmt::format("{} of {} fail", counts.fail, counted(counts.total() - counts.skip, "check")));

            break;
        case RunVerdict::unknown:
            word = "INCONCLUSIVE";
            ink = Ink::yellow;
            text = inconclusive(page, report);
            parts.push_back(
                fmt::format("{} of {} pass", counts.pass, counted(counts.total() - counts.skip, "check")));
            break;
        case RunVerdict::aborted:
            word = "ABORTED";
            text = "nothing was judged";
            if (report.error && page.options().quiet) text += ": " + page.clean(report.error->text, 300);
            break;
    }
    if (report.verdict != RunVerdict::aborted) parts.push_back(duration_text(report.run.duration_ms));
    const std::string gap(word.size() < 9 ? 9 - word.size() : 2, ' ');
    const std::size_t width = word.size() + gap.size() + display_width(text);
    return with_parts(page, page.paint(ink, word) + gap + page.paint(Ink::bold, text), width, parts);
}

}  // namespace podroute::terminal
