// The head of the terminal report, the table of layers, and its last lines.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reports/terminal_parts.h"
#include "reports/text.h"

namespace podroute::terminal {
namespace {

struct Row {
    std::string name;
    Counts counts;
    std::vector<std::string> failed, unknown, warned;  // hosts, each once
    std::string detail;                                // instead of the hosts

    std::string ratio() const {
        const std::size_t tested = counts.total() - counts.skip;
        return tested == 0 ? "-" : fmt::format("{}/{}", counts.pass, tested);
    }
    std::string_view word() const {
        if (counts.fail > 0) return "FAIL";
        if (counts.unknown > 0) return "UNKNOWN";
        if (counts.warn > 0) return "WARN";
        return counts.total() == counts.skip ? "skipped" : "";
    }
};

void add_once(std::vector<std::string>& names, const std::string& name) {
    // Checks come host by host, so a repetition is nearly always the last one.
    if (!names.empty() && names.back() == name) return;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// The host, or of a pair both, in one order whichever way it was probed.
std::string name_of(const Verdict& verdict) {
    if (verdict.host.empty()) return verdict.subject;
    if (verdict.peer.empty() || verdict.peer == verdict.host) return verdict.host;
    const auto& [first, second] = std::minmax(verdict.host, verdict.peer);
    return first + " ⇄ " + second;
}

void tally(Row& row, const Verdict& verdict) {
    const std::string name = name_of(verdict);
    switch (verdict.status) {
        case Status::pass:
            ++row.counts.pass;
            break;
        case Status::skip:
            ++row.counts.skip;
            break;
        case Status::fail:
            ++row.counts.fail;
            return add_once(row.failed, name);
        case Status::warn:
            ++row.counts.warn;
            return add_once(row.warned, name);
        case Status::unknown:
            ++row.counts.unknown;
            return add_once(row.unknown, name);
    }
}

// The pairs that the tables do not carry, each once whatever its direction.
std::string broken_pairs(const Page& page, const Report& report, std::size_t room) {
    const bool complete = report.paths.size() < kMaxPaths;
    std::vector<std::string> names;
    std::set<std::pair<std::string, std::string>> seen;
    for (const PathReport& path : report.paths) {
        if (path.status != "fail") continue;
        if (!seen.insert(std::minmax(path.source, path.destination)).second) continue;
        const bool request = path.leg != "reply";
        const auto name = [&](const std::string& end) { return page.clean(end, 40); };
        names.push_back(name(request ? path.source : path.destination) + page.clean(" ⇄ ") +
                        name(request ? path.destination : path.source));
    }
    if (names.empty() || !complete) return fmt::format("{} broken", report.pairs.broken);
    const std::string list = list_fitting(names, room);
    return display_width(list) <= room ? list : fmt::format("{} broken", report.pairs.broken);
}

Ink ink_of(std::string_view word) {
    if (word == "FAIL") return Ink::red;
    return word == "UNKNOWN" || word == "WARN" ? Ink::yellow : Ink::plain;
}

std::string names_of(const Page& page, const Row& row, std::size_t room) {
    if (!row.detail.empty()) return row.detail;
    const auto clean = [&](const std::vector<std::string>& hosts) {
        std::vector<std::string> names;
        names.reserve(hosts.size());
        for (const std::string& host : hosts) names.push_back(page.clean(host, room > 24 ? room - 14 : 10));
        return names;
    };
    if (row.failed.empty()) return list_fitting(clean(row.unknown.empty() ? row.warned : row.unknown), room);
    if (row.unknown.empty()) return list_fitting(clean(row.failed), room);
    const std::string rest = fmt::format(", {} unknown", row.counts.unknown);
    return list_fitting(clean(row.failed), room > rest.size() ? room - rest.size() : 1) + rest;
}

std::string counts_text(const Counts& counts) {
    std::string text;
    const auto add = [&](std::size_t n, const char* word) {
        if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, word);
    };
    add(counts.pass, "pass");
    add(counts.fail, "fail");
    add(counts.warn, "warn");
    add(counts.unknown, "unknown");
    add(counts.skip, "skipped");
    return text;
}

}  // namespace

void write_header(Page& page, const Report& report) {
    if (page.options().command.empty()) return;
    const auto& inventory = report.inventory;
    std::string text = fmt::format("{}, {}", counted(inventory.hosts.size(), "host"),
                                   counted(inventory.pod_networks(), "pod network"));
    if (report.pairs.total > 0) text += ", " + counted(report.pairs.total, "pair");
    const std::string name = "podroute " + page.clean(page.options().command, 40);
    page.line(page.paint(Ink::bold, name) + "        " + text);
    page.line();
}

void write_layers(Page& page, const Report& report) {
    std::map<Layer, Row> layers;
    for (const CheckResult& check : report.checks) tally(layers[check.verdict.layer], check.verdict);
    std::vector<Row> rows;
    for (auto& [layer, row] : layers) {
        row.name = to_string(layer);
        rows.push_back(std::move(row));
    }
    const PairCounts& pairs = report.pairs;
    // Packets say more than what the tables predict of the same pairs.
    if (pairs.total > 0 && report.probed.total == 0) {
        Row row;
        row.name = "pairs";
        row.counts.fail = std::min(pairs.broken, pairs.total);
        row.counts.unknown = std::min(pairs.unknown, pairs.total - row.counts.fail);
        row.counts.pass = pairs.total - row.counts.fail - row.counts.unknown;
        row.detail = row.counts.unknown > 0 ? fmt::format("{} unknown", row.counts.unknown) : "";
        // Options left out what breaks them: the run passes, and the pairs are still shown.
        if (report.verdict == RunVerdict::pass) std::swap(row.counts.fail, row.counts.warn);
        rows.push_back(std::move(row));
    }
    if (rows.empty()) return;
    std::size_t ratio = 0;
    std::size_t word = 0;
    for (const Row& row : rows) {
        ratio = std::max(ratio, row.ratio().size());
        word = std::max(word, row.word().size());
    }
    for (Row& row : rows) {
        const std::size_t used = 14 + ratio + 3 + word + 3;
        const std::size_t room = page.width() > used + 10 ? page.width() - used : 10;
        if (row.name == "pairs" && row.counts.fail + row.counts.warn > 0) {
            const std::string rest = row.detail.empty() ? "" : ", " + row.detail;
            row.detail = broken_pairs(page, report, room > rest.size() + 1 ? room - rest.size() : 1) + rest;
        }
        std::string text = fmt::format("  {:<12}{:<{}}   ", row.name, row.ratio(), ratio);
        text += page.paint(ink_of(row.word()), row.word());
        text.append(word - row.word().size() + 3, ' ');
        if (!row.word().empty() && row.word() != "skipped") text += names_of(page, row, room);
        page.line(text);
    }
    page.line();
}

void write_checks(Page& page, const Report& report) {
    for (const CheckResult& check : report.checks) {
        const Verdict& verdict = check.verdict;
        std::string text = page.clean(verdict.check, 80);
        for (const std::string& part : {verdict.host, verdict.subject, verdict.message})
            if (!part.empty()) text.append("  ").append(page.clean(part, 300));
        page.wrapped(fmt::format("  {:<8}", to_string(verdict.status)), "          ", text);
    }
    if (!report.checks.empty()) page.line();
}

namespace {

// Every route to a pod network is missing, on every host: they may never have been meant to be there.
bool no_pod_route(const Report& report) {
    std::size_t wanted = 0, missing = 0;
    for (const CheckResult& check : report.checks)
        if (check.verdict.check == "route-present" && check.verdict.status != Status::skip) ++wanted;
    for (const Diagnosis& diagnosis : report.diagnoses)
        if (diagnosis.cause.code == "route-missing") ++missing;
    return wanted > 1 && missing == wanted;
}

}  // namespace

void write_footer(Page& page, const Report& report) {
    const auto row = [&](const std::string& name, const std::string& text) {
        page.wrapped(fmt::format("{:<9}", name), "         ", text);
    };
    if (report.run.cancelled)
        row("stopped", "by a signal, before everything was read; this is judged from what there was");
    if (report.checks_summary.total() > 0) {
        row("checks", fmt::format("{} in {}: {}", report.checks_summary.total(),
                                  duration_text(report.run.duration_ms), counts_text(report.checks_summary)));
        const ProbeCounts& probes = report.probes_summary;
        if (probes.sent > 0)
            row("packets", fmt::format("{} sent, {} arrived, {} answered", probes.sent, probes.arrived,
                                       probes.answered));
        else
            row("tested",
                "tables only: no packets were sent, so a firewall or a fabric that drops them is not seen");
    }
    if (no_pod_route(report))
        row("routing",
            "no host holds a pod route: if a cloud's route table is to deliver pod networks, use "
            "--routing fabric");
    std::vector<std::string> codes;
    for (const Diagnosis& diagnosis : report.diagnoses) add_once(codes, diagnosis.cause.code);
    constexpr std::size_t kMaxCodes = 4;
    for (std::size_t i = 0; i < codes.size() && i < kMaxCodes; ++i)
        page.line(fmt::format("{:<9}podroute explain {}", i == 0 ? "details" : "", page.clean(codes[i], 80)));
    if (report.run.cancelled || report.checks_summary.total() > 0 || !codes.empty()) page.line();
}

}  // namespace podroute::terminal
