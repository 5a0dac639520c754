// What verify, replay and undo do with a report: print it, write its files, end with its exit code.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/options.h"
#include "model/report.h"
#include "reports/files.h"
#include "reports/terminal.h"

namespace podroute::cli {

using Drawing = std::function<std::string(const Report&, const TerminalOptions&)>;

// Opens the report files that were asked for, with `aborted` in them. On failure it is printed and nothing is
// returned.
std::optional<ReportFiles> open_reports(const OutputOptions& output, const Report& aborted);

// The report of a run that is not what was asked for, because something could not be written: it does not
// pass, and says so with exit code 70.
Report with_error(Report report, const Error& error);

// Writes the files and prints the report to stdout, after `drawing` where there is one and --quiet is not
// given. Where one of them cannot be written, the others say so. Returns the exit code of what was told.
int finish(const Report& report, const ReportFiles& files, const OutputOptions& output,
           const std::string& command, const Drawing& drawing = {});

// Likewise, of what undo did.
int finish_undo(const Report& report, const ReportFiles& files, const OutputOptions& output);

}  // namespace podroute::cli
