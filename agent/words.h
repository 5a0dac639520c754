// Text of the kernel and of files, taken apart without streams: they would bring the locales, and with them
// 0.7 MB, into the static program.
#pragma once

#include <algorithm>
#include <string_view>

namespace podroute::agent {

// Takes the text up to the first of `separators` off `rest`, and the separator with it.
inline std::string_view take(std::string_view& rest, std::string_view separators) {
    const auto end = std::min(rest.find_first_of(separators), rest.size());
    const auto taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
}

// The next word of a line; empty at its end.
inline std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r\v\f"), line.size()));
    return take(line, " \t\r\v\f");
}

}  // namespace podroute::agent
