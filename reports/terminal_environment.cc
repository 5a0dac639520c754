// What the terminal can show.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "reports/terminal.h"

namespace podroute {
namespace {

constexpr unsigned kNarrowest = 40;
constexpr unsigned kWidest = 120;  // longer lines are hard to read

std::string_view value(const Environment& environment, const char* name) {
    const char* text = environment(name);
    return text == nullptr ? std::string_view{} : text;
}

// The first of these that is set decides (locale(7)).
bool utf8_locale(const Environment& environment) {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const std::string_view locale = value(environment, name);
        if (locale.empty()) continue;
        return locale.find("UTF-8") != std::string_view::npos ||
               locale.find("utf8") != std::string_view::npos || locale.find("UTF8") != std::string_view::npos;
    }
    return false;
}

}  // namespace

TerminalOptions detect_terminal(int fd, const Environment& environment) {
    TerminalOptions options;
    const bool terminal = isatty(fd) == 1;
    winsize size{};
    if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        options.width = std::clamp<unsigned>(size.ws_col, kNarrowest, kWidest);
    options.color =
        terminal && value(environment, "NO_COLOR").empty() && value(environment, "TERM") != "dumb";
    options.utf8 = utf8_locale(environment);
    return options;
}

}  // namespace podroute
