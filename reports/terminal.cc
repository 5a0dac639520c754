#include "reports/terminal.h"

#include <algorithm>

#include "reports/terminal_parts.h"
#include "reports/text.h"

namespace podroute {
namespace terminal {
namespace {

constexpr std::size_t kNarrowest = 20;  // columns of text, however long its label

// Of a label of ours: text with escape sequences for colours.
std::size_t columns(std::string_view label) {
    std::string text;
    for (std::size_t i = 0; i < label.size(); ++i) {
        if (label[i] == '\x1b')
            i = std::min(label.find('m', i), label.size() - 1);
        else
            text += label[i];
    }
    return display_width(text);
}

}  // namespace

std::string Page::clean(std::string_view text, std::size_t max_bytes) const {
    std::string safe = sanitize(text, max_bytes);
    return options_.utf8 ? safe : to_ascii(safe);
}

std::string Page::paint(Ink ink, std::string_view text) const {
    if (!options_.color || ink == Ink::plain || text.empty()) return std::string(text);
    const char* code = "1";
    if (ink == Ink::red) code = "1;31";
    if (ink == Ink::yellow) code = "33";
    if (ink == Ink::cyan) code = "36";
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void Page::line(std::string_view text) {
    const auto end = text.find_last_not_of(' ');
    out_ += text.substr(0, end == std::string_view::npos ? 0 : end + 1);
    out_ += '\n';
}

void Page::wrapped(const std::string& first, const std::string& next, std::string_view text, Ink ink) {
    const auto room = [&](const std::string& label) {
        const std::size_t used = columns(label);
        return width() > used + kNarrowest ? width() - used : kNarrowest;
    };
    bool start = true;
    for (const std::string& part : wrap(text, room(first), room(next))) {
        line((start ? first : next) + paint(ink, part));
        start = false;
    }
}

Lookup::Lookup(const Report& r) : report(r) {
    for (const CheckResult& check : r.checks) checks.emplace(check.id, &check);
}

}  // namespace terminal

std::string render_terminal(const Report& report, const TerminalOptions& options) {
    terminal::Page page(options);
    if (!options.quiet) {
        const terminal::Lookup lookup(report);
        write_header(page, report);
        write_layers(page, report);
        if (options.verbose) write_checks(page, report);
        write_blocks(page, lookup);
        write_unknowns(page, lookup);
        write_fixes(page, report);
        write_footer(page, report);
    }
    page.line(last_line(page, report));
    return page.take();
}

std::string render_undo(const Report& report, const TerminalOptions& options) {
    terminal::Page page(options);
    if (!options.quiet) {
        write_header(page, report);
        write_fixes(page, report);
    }
    page.line(undo_line(page, report));
    return page.take();
}

}  // namespace podroute
