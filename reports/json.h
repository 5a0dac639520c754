// The report as JSON, podroute.report/1: docs/report.md, podroute.report.schema.json.
#pragma once

#include <iosfwd>
#include <string>

#include "model/report.h"

namespace podroute {

// One element of a list a line, so that a large report is never held as a tree, and is read with line tools
// too. Bytes that are no UTF-8 are written as U+FFFD. Ends in a newline.
void write_json(const Report& report, std::ostream& out);
std::string render_json(const Report& report);

}  // namespace podroute
