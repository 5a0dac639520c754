// One pair drawn for a person: both legs, hop by hop, and where it dies.
#pragma once

#include <string>
#include <vector>

#include "model/report.h"
#include "reports/terminal.h"

namespace podroute {

// The pair `source` → `destination` of a report whose run traced it. Without steps of packets the legs are
// those of the tables, and it says so. `notes` are said of the pair itself, a line each. Ends in a newline;
// never wider than options.width. No conclusion about causes: the report holds them.
std::string render_trace(const Report& report, const Endpoint& source, const Endpoint& destination,
                         const TerminalOptions& options, const std::vector<std::string>& notes = {});

}  // namespace podroute
