// Printing and writing reports.
#include "cli/outcome.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/print.h"
#include "reports/terminal.h"

namespace podroute::cli {
namespace {

constexpr int kInternalError = 70;

void complain(const Error& error) {
    fmt::print(stderr, "podroute: {}{}{}\n", error.where, error.where.empty() ? "" : ": ", error.text);
}

int finish_with(const Report& report, const ReportFiles& files, const OutputOptions& output,
                const std::string& command, const Drawing& render) {
    // Files first: a terminal that hangs must not cost the report.
    Report told = report;
    const auto tell = [&](const Result<void>& written) {
        if (written) return true;
        complain(written.error());
        told = with_error(std::move(told), written.error());
        files.write_what_can_be(told);
        return false;
    };
    tell(files.write(told));
    auto terminal = detect_terminal(STDOUT_FILENO, [](const char* name) { return std::getenv(name); });
    if (output.color != Color::automatic) terminal.color = output.color == Color::always;
    terminal.quiet = output.quiet;
    terminal.verbose = output.verbose;
    terminal.command = command;
    print(render(told, terminal));
    tell(printed());
    return told.exit_code;
}

}  // namespace

Report with_error(Report report, const Error& error) {
    if (!report.error) report.error = error;
    if (report.verdict == RunVerdict::pass) report.verdict = RunVerdict::unknown;
    report.exit_code = kInternalError;
    return report;
}

std::optional<ReportFiles> open_reports(const OutputOptions& output, const Report& aborted) {
    auto files = ReportFiles::open({output.json, output.junit, {}}, aborted);
    if (files) return std::move(*files);
    complain(files.error());
    return std::nullopt;
}

int finish(const Report& report, const ReportFiles& files, const OutputOptions& output,
           const std::string& command, const Drawing& drawing) {
    return finish_with(report, files, output, command,
                       [&](const Report& shown, const TerminalOptions& terminal) {
                           if (!drawing || output.quiet) return render_terminal(shown, terminal);
                           TerminalOptions below = terminal;
                           below.command.clear();  // the drawing has the head of both
                           return drawing(shown, terminal) + render_terminal(shown, below);
                       });
}

int finish_undo(const Report& report, const ReportFiles& files, const OutputOptions& output) {
    return finish_with(report, files, output, "undo", &render_undo);
}

}  // namespace podroute::cli
