// Printing and writing reports.
#include "cli/outcome.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace podroute::cli {
namespace {

constexpr int kInternalError = 70;

void complain(const Error& error) {
    fmt::print(stderr, "podroute: {}{}{}\n", error.where, error.where.empty() ? "" : ": ", error.text);
}

}  // namespace

std::optional<ReportFiles> open_reports(const OutputOptions& output, const Report& aborted) {
    auto files = ReportFiles::open({output.json, output.junit, {}}, aborted);
    if (files) return std::move(*files);
    complain(files.error());
    return std::nullopt;
}

int finish(const Report& report, const ReportFiles& files, const OutputOptions& output,
           const std::string& command,
           const std::function<std::string(const Report&, const TerminalOptions&)>& drawing) {
    // Files first: a terminal that hangs must not cost the report.
    const auto written = files.write(report);
    auto terminal = detect_terminal(STDOUT_FILENO, [](const char* name) { return std::getenv(name); });
    if (output.color != Color::automatic) terminal.color = output.color == Color::always;
    terminal.quiet = output.quiet;
    terminal.verbose = output.verbose;
    terminal.command = command;
    if (drawing && !output.quiet) fmt::print("{}", drawing(report, terminal));
    fmt::print("{}", render_terminal(report, terminal));
    std::fflush(stdout);
    if (written) return report.exit_code;
    complain(written.error());
    return kInternalError;
}

}  // namespace podroute::cli
