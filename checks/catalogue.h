// What `podroute explain` knows: every code with its page, and the messages that people paste.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace podroute {

enum class CodeKind : unsigned char { check, cause };

struct CatalogueEntry {
    std::string_view code;  // "route-missing"
    CodeKind kind = CodeKind::cause;
    std::string_view title;  // one line without full stop
};

// Every check and cause code that has a page, sorted by code.
std::vector<CatalogueEntry> catalogue();

// The page of a code, as Markdown that reads well as it is; nothing for what is no code.
std::optional<std::string_view> explain_page(std::string_view code);

// The codes worth reading for an error message of ip, ping, ssh and the like, most likely first; none if it
// is not known. Letter case does not matter.
std::vector<std::string_view> match_message(std::string_view text);

}  // namespace podroute
