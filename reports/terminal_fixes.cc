// What --fix or undo planned and did: a line a fix with the command that does the same, the change, the
// reason.
#include <fmt/format.h>

#include <algorithm>

#include "reports/terminal_parts.h"
#include "reports/text.h"

namespace podroute::terminal {
namespace {

constexpr std::size_t kAllOfOne = 20;  // as many fixes of one status are shown, or
constexpr std::size_t kSomeOfOne = 5;  // as many where there are more; what is planned is shown whole
constexpr std::size_t kMaxReasonBytes = 600;
constexpr std::size_t kMaxCommandBytes = 4096;

Ink ink_of(FixStatus status) {
    if (status == FixStatus::failed) return Ink::red;
    return status == FixStatus::refused || status == FixStatus::reverted ? Ink::yellow : Ink::plain;
}

std::size_t count(const Report& report, FixStatus status) {
    return static_cast<std::size_t>(std::count_if(report.fixes.begin(), report.fixes.end(),
                                                  [&](const Fix& fix) { return fix.status == status; }));
}

std::string counts_text(const Report& report) {
    std::string text;
    for (auto status = FixStatus::planned; status <= FixStatus::undone;
         status = static_cast<FixStatus>(static_cast<int>(status) + 1)) {
        const std::size_t n = count(report, status);
        if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, to_string(status));
    }
    return text;
}

void write_fix(Page& page, const Fix& fix, std::size_t host_width) {
    const std::string word = page.paint(ink_of(fix.status), fmt::format("{:<8}", to_string(fix.status)));
    const std::string host = page.clean(fix.host, 80);
    const std::string gap(host_width - std::min(host_width, display_width(host)), ' ');
    // Never cut or wrapped: it may be copied.
    const std::string command =
        page.clean(fix.command.empty() ? fix.cause + " " + fix.id : fix.command, kMaxCommandBytes);
    page.line("  " + word + "  " + host + gap + "  " + command);
    const std::string indent(12, ' ');
    const bool shows_change = fix.status == FixStatus::planned || page.options().verbose;
    if (shows_change)
        for (const std::string& line : fix.diff) page.line(indent + page.clean(line, kMaxCommandBytes));
    if (!fix.reason.empty()) page.wrapped(indent, indent, page.clean(fix.reason, kMaxReasonBytes));
}

// How many of this status are shown.
std::size_t limit_of(const Page& page, const Report& report, FixStatus status) {
    const std::size_t n = count(report, status);
    const bool all = page.options().verbose || status == FixStatus::planned || n <= kAllOfOne;
    return all ? n : kSomeOfOne;
}

}  // namespace

void write_fixes(Page& page, const Report& report) {
    const bool asked = page.options().command.find("--fix") != std::string::npos;
    if (report.fixes.empty()) {
        if (!asked) return;
        page.line("fixes    none: nothing is missing that --fix could add");
        page.line();
        return;
    }
    std::size_t host_width = 0;
    for (const Fix& fix : report.fixes)
        host_width = std::max(host_width, std::min<std::size_t>(display_width(page.clean(fix.host, 80)), 30));
    page.line("fixes    " + counts_text(report));
    page.line();
    std::map<FixStatus, std::size_t> shown, limits;
    std::size_t hidden = 0;
    for (const Fix& fix : report.fixes) {
        const auto limit = limits.try_emplace(fix.status, kAllOfOne);
        if (limit.second) limit.first->second = limit_of(page, report, fix.status);
        if (shown[fix.status]++ < limit.first->second)
            write_fix(page, fix, host_width);
        else
            ++hidden;
    }
    if (hidden > 0)
        page.line(fmt::format("  and {} more: --verbose prints them, --json FILE holds them", hidden));
    page.line();
    if (page.options().command == "undo" || count(report, FixStatus::planned) == 0) return;
    page.line("dry run  nothing was changed; without --dry-run the planned ones are applied");
    page.line();
}

std::string undo_line(const Page& page, const Report& report) {
    const auto line = [&](Ink ink, std::string_view word, const std::string& text) {
        return page.paint(ink, fmt::format("{:<9}", word)) + page.paint(Ink::bold, text);
    };
    if (const std::size_t planned = count(report, FixStatus::planned); planned > 0)
        return line(Ink::yellow, "LISTED", "nothing was changed: add --yes");
    const std::size_t all = report.fixes.size();
    const std::size_t bad = count(report, FixStatus::refused) + count(report, FixStatus::failed);
    if (report.run.cancelled)
        return line(Ink::red, "FAILED", "the run was stopped: verify tells what is left");
    if (report.exit_code != 0 && bad == 0 && report.error)
        return line(Ink::red, "FAILED", page.clean(report.error->text, 300));
    if (report.exit_code != 0)
        return line(Ink::red, "FAILED",
                    fmt::format("{} of {} left alone or not taken back", bad, counted(all, "change")));
    if (all == 0) return line(Ink::bold, "UNDONE", "there was nothing to undo");
    return line(Ink::bold, "UNDONE", "all of " + counted(all, "change"));
}

}  // namespace podroute::terminal
