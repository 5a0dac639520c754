// One block for each cause, in the form compilers made familiar: code, place, expected and found, evidence,
// note, help.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "reports/terminal_parts.h"
#include "reports/text.h"

namespace podroute::terminal {
namespace {

constexpr std::size_t kAllBlocks = 8;     // as many blocks of one code are shown,
constexpr std::size_t kSomeBlocks = 3;    // or as many where there are more
constexpr std::size_t kAllCommands = 10;  // likewise of the commands of a block
constexpr std::size_t kSomeCommands = 3;
constexpr std::size_t kMaxEvidenceBytes = 400;
constexpr std::size_t kMaxEvidence = 6;         // lines of evidence of a block
constexpr std::size_t kMaxCommandBytes = 4096;  // a command is never cut short of this

Ink ink_of(Severity severity) {
    if (severity == Severity::error) return Ink::red;
    return severity == Severity::warning ? Ink::yellow : Ink::cyan;
}

void write_headline(Page& page, std::string_view level, Ink ink, const std::string& code,
                    const std::string& text) {
    const std::string label = fmt::format("{}[{}]", level, page.clean(code, 80));
    page.wrapped(page.paint(ink, label) + ": ", "    ", page.clean(text), Ink::bold);
}

void write_headline(Page& page, const Cause& cause, const std::string& text) {
    write_headline(page, to_string(cause.severity), ink_of(cause.severity), cause.code, text);
}

// "  --> node-0, 10.200.1.0/24"
void write_place(Page& page, const std::string& host, const std::string& subject,
                 const std::string& more = {}) {
    const std::string both = page.clean(host, 80) + (host.empty() || subject.empty() ? "" : ", ") +
                             page.clean(subject, 300) + more;
    if (!both.empty()) page.wrapped("  --> ", "      ", both);
}

const Verdict* compared(const Lookup& lookup, const Diagnosis& diagnosis) {
    for (const std::string& id : diagnosis.affects) {
        const auto at = lookup.checks.find(id);
        if (at == lookup.checks.end()) continue;
        const Verdict& verdict = at->second->verdict;
        const bool bad = verdict.status == Status::fail || verdict.status == Status::warn;
        if (bad && !(verdict.expected.empty() && verdict.observed.empty())) return &verdict;
    }
    return nullptr;
}

void write_side(Page& page, const std::string& name, std::string_view text) {
    page.wrapped("   | " + name, "   |            ", page.clean(text, kMaxEvidenceBytes));
}

void write_subjects(Page& page, const Block& block) {
    if (block.diagnoses.size() < 2) return;
    std::vector<std::string> subjects;
    for (std::size_t i = 1; i < block.diagnoses.size(); ++i)
        subjects.push_back(page.clean(block.diagnoses[i]->cause.subject, 200));
    const std::string start =
        fmt::format("and {} more", subjects.size()) +
        (block.cause().host.empty() ? "" : " on " + page.clean(block.cause().host, 80)) + ": ";
    const std::size_t used = display_width(start) + 5;
    page.line("   | " + start + list_fitting(subjects, page.width() > used ? page.width() - used : 1));
}

void write_evidence(Page& page, const Cause& cause) {
    const std::size_t n = cause.evidence.size();
    const std::size_t shown = page.options().verbose || n <= kMaxEvidence ? n : kMaxEvidence - 1;
    for (std::size_t i = 0; i < shown; ++i)
        page.wrapped("   | ", "   |   ", page.clean(cause.evidence[i], kMaxEvidenceBytes));
    if (shown < n) page.line(fmt::format("   | and {} more lines: --verbose shows them", n - shown));
}

void write_note(Page& page, const std::string& text) {
    page.wrapped("   = " + page.paint(Ink::cyan, "note:") + " ", "           ", text);
}

// "route-missing on node-1" of an id "CODE/HOST/SUBJECT".
std::string cause_name(const Page& page, std::string_view id) {
    const auto first = id.find('/');
    if (first == std::string_view::npos) return page.clean(id, 120);
    const auto second = std::min(id.find('/', first + 1), id.size());
    const std::string host = page.clean(id.substr(first + 1, second - first - 1), 80);
    // A cause of no host has an empty name there, or "-".
    return page.clean(id.substr(0, first), 80) + (host.empty() || host == "-" ? "" : " on " + host);
}

std::string together_text(const Page& page, const Block& block) {
    std::vector<std::string> names;
    for (const Diagnosis* diagnosis : block.diagnoses) {
        for (const std::string& id : diagnosis->together_with) {
            std::string name = cause_name(page, id);
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
        }
        if (names.size() > 20) break;
    }
    return names.empty() ? "" : ", together with " + list_fitting(names, 60);
}

// A block's causes may share a pair, so their sum is no more than what is broken.
void write_prediction(Page& page, const Report& report, const Block& block) {
    std::size_t explained = 0;
    for (const Diagnosis* diagnosis : block.diagnoses) explained += diagnosis->explains;
    const std::size_t broken = tested_pairs(report).broken;
    explained = std::min(explained, broken);
    if (explained == 0) return;
    const std::string pairs = fmt::format("{} of {}", explained, failed_pairs(report, broken));
    if (block.cause().code == "unexplained") return write_note(page, pairs + " stop here");
    const std::string_view are = explained == 1 ? "is" : "are";
    const std::string together = together_text(page, block);
    const bool predicts = std::any_of(block.diagnoses.begin(), block.diagnoses.end(),
                                      [](const Diagnosis* d) { return !d->cause.remedy.empty(); });
    const std::string_view these = block.diagnoses.size() == 1 ? "this" : "these";
    if (predicts)
        write_note(page,
                   fmt::format("with {} mended{}, {} {} predicted to pass", these, together, pairs, are));
    else
        write_note(page, fmt::format("this explains {}{}", pairs, together));
}

void write_blocked(Page& page, const Report& report, const Cause& cause) {
    const auto blocked = std::count_if(report.checks.begin(), report.checks.end(), [&](const CheckResult& c) {
        return c.verdict.status == Status::unknown && c.verdict.blocked_by == cause.code &&
               c.verdict.host == cause.host;
    });
    if (blocked == 0) return;
    write_note(page, fmt::format("{} of {} {} unknown because of this",
                                 counted(static_cast<std::size_t>(blocked), "check"),
                                 cause.host.empty() ? "the cluster" : page.clean(cause.host, 80),
                                 blocked == 1 ? "is" : "are"));
}

// The command by which a program mends all of this block; empty if none does. A run that was told to fix says
// below what it did.
std::string_view fixed_by(const Page& page, const Report& report, const Block& block) {
    if (page.options().command != "verify" || !report.fixes.empty()) return {};
    const auto all = [&](Automatic automatic) {
        return std::all_of(block.diagnoses.begin(), block.diagnoses.end(), [&](const Diagnosis* d) {
            return d->cause.severity == Severity::error && d->cause.automatic == automatic;
        });
    };
    if (all(Automatic::add)) return "podroute verify --fix";
    return all(Automatic::repair) ? "podroute verify --fix=repair" : "";
}

void write_help(Page& page, const Report& report, const Block& block) {
    std::vector<std::string> commands;
    for (const Diagnosis* diagnosis : block.diagnoses) {
        for (const std::string& command : diagnosis->cause.commands) {
            std::string safe = page.clean(command, kMaxCommandBytes);
            // Block order is kept: later commands may rest on earlier ones.
            if (std::find(commands.begin(), commands.end(), safe) == commands.end())
                commands.push_back(std::move(safe));
        }
        if (commands.size() > 10000) break;
    }
    const std::string help = "   = " + page.paint(Ink::cyan, "help:") + " ";
    if (commands.empty()) {
        page.line(help + "podroute explain " + page.clean(block.cause().code, 80));
        return;
    }
    const bool all = page.options().verbose || commands.size() <= kAllCommands;
    const std::size_t shown = all ? commands.size() : kSomeCommands;
    const std::string_view program = fixed_by(page, report, block);
    if (!program.empty()) page.line(fmt::format("{}{}, or by hand:", help, program));
    for (std::size_t i = 0; i < shown; ++i)
        page.line((i == 0 && program.empty() ? help : "           ") + commands[i]);
    if (!all)
        page.line(fmt::format("           and {} more: --verbose prints them, --json FILE holds them",
                              commands.size() - shown));
}

void write_block(Page& page, const Lookup& lookup, const Block& block) {
    const Cause& cause = block.cause();
    write_headline(page, cause, cause.summary);
    write_place(page, cause.host, cause.subject);
    const Verdict* verdict = compared(lookup, *block.diagnoses.front());
    if (verdict != nullptr) {
        write_side(page, "expected   ", verdict->expected);
        write_side(page, "found      ", verdict->observed);
    }
    write_subjects(page, block);
    if (!cause.evidence.empty()) {
        if (verdict != nullptr || block.diagnoses.size() > 1) page.line("   |");
        write_evidence(page, cause);
    }
    write_prediction(page, lookup.report, block);
    write_blocked(page, lookup.report, cause);
    write_help(page, lookup.report, block);
    page.line();
}

// What of one code was not shown, in one block.
void write_rest(Page& page, const std::vector<Block>& rest) {
    std::size_t causes = 0;
    std::vector<std::string> hosts;
    for (const Block& block : rest) {
        causes += block.diagnoses.size();
        const std::string host =
            block.cause().host.empty() ? "the cluster" : page.clean(block.cause().host, 80);
        const std::size_t n = block.diagnoses.size();
        hosts.push_back(n == 1 ? host : fmt::format("{} ({})", host, n));
    }
    const Cause& cause = rest.front().cause();
    write_headline(page, cause,
                   fmt::format("{} on {}", counted(causes, "more cause"), counted(rest.size(), "more host")));
    // Three lines of names, then a count.
    page.wrapped("   | ", "   | ", list_fitting(hosts, 3 * (page.width() - 12)));
    page.line("   = " + page.paint(Ink::cyan, "help:") + " --verbose shows each, --json FILE holds all");
    page.line();
}

}  // namespace

std::vector<Block> fold(const Report& report, bool each_alone) {
    std::vector<Block> blocks;
    using Key = std::tuple<Severity, std::string_view, std::string_view>;
    std::map<Key, std::size_t> at;
    for (const Diagnosis& diagnosis : report.diagnoses) {
        const Cause& cause = diagnosis.cause;
        const auto [found, added] = at.emplace(Key(cause.severity, cause.code, cause.host), blocks.size());
        if (added || each_alone || cause.host.empty())
            blocks.push_back({{&diagnosis}});
        else
            blocks[found->second].diagnoses.push_back(&diagnosis);
    }
    return blocks;
}

void write_blocks(Page& page, const Lookup& lookup) {
    const bool all = page.options().verbose;
    std::vector<std::vector<Block>>
        codes;  // the blocks of one code stand together, in order of the first one
    using Key = std::pair<Severity, std::string_view>;
    std::map<Key, std::size_t> at;
    for (Block& block : fold(lookup.report, all)) {
        const auto [found, added] = at.emplace(Key(block.cause().severity, block.cause().code), codes.size());
        if (added) codes.emplace_back();
        codes[found->second].push_back(std::move(block));
    }
    for (const std::vector<Block>& blocks : codes) {
        const std::size_t shown = all || blocks.size() <= kAllBlocks ? blocks.size() : kSomeBlocks;
        for (std::size_t i = 0; i < shown; ++i) write_block(page, lookup, blocks[i]);
        if (shown < blocks.size())
            write_rest(page, {blocks.begin() + static_cast<std::ptrdiff_t>(shown), blocks.end()});
    }
    const auto& error = lookup.report.error;
    if (!error) return;
    write_headline(page, "error", Ink::red, error->code, error->text);
    write_place(page, "", error->where);
    page.line();
}

void write_unknowns(Page& page, const Lookup& lookup) {
    // A block above says why already.
    const auto named = [&](const CheckResult& check) {
        const auto says = [&](const Diagnosis& d) {
            return (d.cause.code == check.verdict.blocked_by && d.cause.host == check.verdict.host) ||
                   std::find(d.affects.begin(), d.affects.end(), check.id) != d.affects.end();
        };
        return std::any_of(lookup.report.diagnoses.begin(), lookup.report.diagnoses.end(), says);
    };
    struct Group {
        const Verdict* first = nullptr;
        std::size_t n = 0;
    };
    std::vector<Group> groups;
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> at;
    for (const CheckResult& check : lookup.report.checks) {
        const Verdict& verdict = check.verdict;
        if (verdict.status != Status::unknown || named(check)) continue;
        // The same check on the same host is unknown for the same reason, whatever its subject.
        const auto [found, added] = at.emplace(
            std::pair<std::string_view, std::string_view>(verdict.host, verdict.check), groups.size());
        if (added) groups.push_back({&verdict, 0});
        ++groups[found->second].n;
    }
    const std::size_t shown =
        page.options().verbose || groups.size() <= kAllBlocks ? groups.size() : kSomeBlocks;
    for (std::size_t i = 0; i < shown; ++i) {
        const Verdict& verdict = *groups[i].first;
        write_headline(page, "unknown", Ink::yellow, verdict.check,
                       verdict.message.empty() ? "not read" : verdict.message);
        write_place(page, verdict.host, verdict.subject,
                    groups[i].n > 1 ? fmt::format(" and {} more", groups[i].n - 1) : "");
        if (!verdict.blocked_by.empty())
            write_note(page, "blocked by " + page.clean(verdict.blocked_by, 300));
        page.line();
    }
    if (shown < groups.size()) {
        page.line(fmt::format("and {} more checks are unknown: --verbose lists them", groups.size() - shown));
        page.line();
    }
}

}  // namespace podroute::terminal
