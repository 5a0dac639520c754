// Reads back of a JSON report what undo needs.
#pragma once

#include <string_view>
#include <vector>

#include "model/fix.h"
#include "model/inventory.h"
#include "model/result.h"

namespace podroute {

// The largest report that is read, in bytes.
inline constexpr std::size_t kMaxReportBytes = std::size_t{256} << 20;

struct ReportedFixes {
    std::string run;  // id
    Inventory inventory;
    // All, in order; without diff. Of a run that was killed (verdict `aborted`) what was planned is
    // `applied`: it may have been, and whether it was is for the host to tell.
    std::vector<Fix> fixes;
};

// `bytes` are of anyone: bounded in size, depth and numbers, the inventory is valid, every fix is of one of
// its hosts. Errors: "bad-report" and where in the file.
Result<ReportedFixes> read_fixes(std::string_view bytes);

}  // namespace podroute
