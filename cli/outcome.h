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

// Prints the report to stdout, after `drawing` where there is one and --quiet is not given; writes the files,
// and returns the exit code: the report's, or 70 where a file could not be written.
int finish(const Report& report, const ReportFiles& files, const OutputOptions& output,
           const std::string& command, const Drawing& drawing = {});

// Likewise, of what undo did.
int finish_undo(const Report& report, const ReportFiles& files, const OutputOptions& output);

}  // namespace podroute::cli
