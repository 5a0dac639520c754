// The testcases of a report, before they are XML. Internal to reports/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/report.h"

namespace podroute::junit {

enum class Outcome : std::uint8_t { pass, failure, error, skipped };

struct Case {
    std::string suite;  // layer, "run" or "fix"
    std::string classname;
    std::string name;  // unique in the file, the same from run to run
    Outcome outcome = Outcome::pass;
    std::string type;     // of a failure or error: the cause code
    std::string message;  // one line
    std::string body;     // evidence; of a passed case: a warning
};

// In order of suites: run first, then layers, then fixes. All strings are ready for XML but for escaping.
std::vector<Case> cases_of(const Report& report, std::size_t max_cases);

// One case a fix; those that went well are left out where there are more than `max_cases` fixes.
void add_fixes(const Report& report, std::size_t max_cases, std::vector<Case>& cases);

// Of at most 512 bytes: a longer name is cut and ends in a hash of the whole.
std::string bounded_name(const std::string& raw);
std::string classname(std::string_view suite, const std::string& host);

// What XML 1.0 section 2.2 can hold, of at most `max_bytes` bytes: other characters go, invalid UTF-8 becomes
// U+FFFD. One line: line breaks and tabs become blanks.
std::string xml_text(std::string_view text, std::size_t max_bytes);
std::string xml_line(std::string_view text, std::size_t max_bytes);

}  // namespace podroute::junit
