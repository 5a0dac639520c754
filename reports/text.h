// Text from hosts made safe to show, measured in columns, and wrapped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace podroute {

// One code point at the start of `text`, which must not be empty. Bytes that are no UTF-8 (RFC 3629: overlong
// forms, surrogates and values beyond U+10FFFF included) are U+FFFD, one at a time.
struct CodePoint {
    char32_t value = 0;
    std::size_t size = 0;  // bytes it takes up in `text`, at least 1
};
CodePoint first_code_point(std::string_view text);
void append_utf8(std::string& out, char32_t value);

// Safe on a terminal, on one line: control characters (C0, DEL, C1) become visible escapes ("\x1b", "\n"), as
// do characters that reorder or hide text (bidirectional controls, zero width, line separators); invalid
// UTF-8 becomes U+FFFD. At most `max_bytes` long; what was cut ends in "…".
inline constexpr std::size_t kMaxShown = 1000;
std::string sanitize(std::string_view text, std::size_t max_bytes = kMaxShown);

// For terminals without UTF-8: arrows, dashes and the ellipsis are spelled out, anything else is '?'.
std::string to_ascii(std::string_view text);

// Columns that valid UTF-8 without control characters takes up: 2 for wide East Asian characters and emoji, 0
// for combining ones.
std::size_t display_width(std::string_view text);

// Breaks at blanks into lines of at most `first`, then `rest` columns; runs of blanks inside a line stay, a
// word that is longer than a line is broken. Not for commands, which must be copied whole. Never empty.
std::vector<std::string> wrap(std::string_view text, std::size_t first, std::size_t rest);

// "a, b, c and 7 more": as many items as fit into `width` columns, at least one.
std::string list_fitting(const std::vector<std::string>& items, std::size_t width);

// "1 cause", "2 causes".
std::string counted(std::size_t n, std::string_view noun);

}  // namespace podroute
