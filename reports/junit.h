// The report as JUnit XML, for what GitLab, Jenkins and Azure Pipelines make of it: docs/report.md.
#pragma once

#include <string>

#include "model/report.h"

namespace podroute {

struct JunitOptions {
    std::string hostname = "localhost";  // of the machine that ran podroute
    std::size_t max_cases = 20'000;      // above it, the checks of one code on one host become one testcase
};

// Ends in a newline. At most 30 MB as long as max_cases is not raised.
std::string render_junit(const Report& report, const JunitOptions& options = {});

}  // namespace podroute
