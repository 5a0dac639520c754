// The report for a person: what fails first, why, and the command that mends it. Golden files: tests/golden/.
#pragma once

#include <functional>
#include <string>

#include "model/report.h"

namespace podroute {

struct TerminalOptions {
    unsigned width = 80;  // columns; only a command that a person may copy is ever longer
    bool color = false;
    bool quiet = false;              // the last line only
    bool verbose = false;            // every cause unfolded, every check listed
    bool utf8 = true;                // false: ASCII only
    std::string command = "verify";  // empty: no head
};

// Ends in a newline. Strings of the report may hold anything: see reports/text.h.
std::string render_terminal(const Report& report, const TerminalOptions& options);

// What undo did or, of a report with planned fixes, would do.
std::string render_undo(const Report& report, const TerminalOptions& options);

// Width, colour and character set for what `fd` leads to. Colour only on a terminal that is not "dumb", and
// not with NO_COLOR set (no-color.org). `environment` is getenv, or a test's.
using Environment = std::function<const char*(const char* name)>;
TerminalOptions detect_terminal(int fd, const Environment& environment);

}  // namespace podroute
