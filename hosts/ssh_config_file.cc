// A look at ssh_config files before they are used.
#include "hosts/ssh_config_file.h"

#include <glob.h>
#include <strings.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

#include "hosts/ssh_config.h"
#include "hosts/ssh_errors.h"

namespace podroute {
namespace {

constexpr int kMaxDepth = 16;  // as ssh has it
constexpr std::size_t kMaxLine = 65536;
constexpr std::string_view kBlanks = " \t\r\f";

struct Line {
    std::string keyword, value;
};

tl::unexpected<Error> bad(const std::string& file, unsigned line, const std::string& what) {
    return failure("bad-ssh-config", what, line == 0 ? file : file + ":" + std::to_string(line));
}

bool is_text(const std::string& line) {
    return line.size() <= kMaxLine && std::all_of(line.begin(), line.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return (byte >= 0x20 && byte != 0x7f) || kBlanks.find(c) != std::string_view::npos;
           });
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

// "Keyword value", "Keyword = value" or 'Keyword "value"'; the keyword is empty where there is none.
Line split(const std::string& text) {
    const auto is_letter = [](unsigned char c) { return std::isalnum(c) != 0; };
    const auto end = std::find_if_not(text.begin(), text.end(), is_letter);
    if (end != text.end() && *end != '=' && *end != '"' && kBlanks.find(*end) == std::string_view::npos)
        return {};
    std::string value = trimmed(std::string(end, text.end()));
    if (!value.empty() && value.front() == '=') value = trimmed(value.substr(1));
    return {std::string(text.begin(), end), std::move(value)};
}

std::string unquoted(std::string value) {
    std::erase(value, '"');
    return value;
}

bool is_port(const std::string& value) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
    return error == std::errc() && end == value.data() + value.size() && port >= 1 && port <= 65535;
}

// The files that an Include names; relative ones are beside the user's or the system's configuration.
std::vector<std::string> included(const std::string& value, const std::string& file) {
    const std::string beside =
        file.rfind("/etc/ssh/", 0) == 0 ? std::string("/etc/ssh/") : expanded_home("~/.ssh/");
    std::vector<std::string> files;
    std::istringstream words(unquoted(value));
    for (std::string word; words >> word;) {
        std::string pattern = expanded_home(word);
        if (pattern.front() != '/') pattern.insert(0, beside);
        glob_t found{};
        if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
            for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
        globfree(&found);
    }
    return files;
}

Result<void> check(const std::string& file, int depth);

Result<void> check_line(const std::string& text, const std::string& file, unsigned number, int depth) {
    if (!is_text(text)) return bad(file, number, "this is no text, so no ssh_config(5)");
    const std::string content = trimmed(text);
    if (content.empty() || content.front() == '#') return {};
    const Line line = split(content);
    if (line.keyword.empty())
        return bad(file, number, "'" + printable(content, 40) + "' begins with no keyword of ssh_config(5)");
    if (strcasecmp(line.keyword.c_str(), "port") == 0 && !is_port(unquoted(line.value)))
        return bad(file, number, "'" + printable(content, 40) + "': a port is a number from 1 to 65535");
    if (strcasecmp(line.keyword.c_str(), "include") != 0) return {};
    if (depth >= kMaxDepth) return bad(file, number, "files include each other more than 16 deep");
    for (const std::string& more : included(line.value, file))
        if (auto good = check(more, depth + 1); !good) return good;
    return {};
}

Result<void> check(const std::string& file, int depth) {
    struct stat info {};
    if (stat(file.c_str(), &info) != 0) return {};
    if (S_ISCHR(info.st_mode) && file == "/dev/null") return {};
    if (!S_ISREG(info.st_mode)) return bad(file, 0, "this is no regular file");
    std::ifstream in(file);
    unsigned number = 0;
    for (std::string text; std::getline(in, text);)
        if (auto good = check_line(text, file, ++number, depth); !good) return good;
    return {};
}

}  // namespace

Result<void> check_ssh_config(const std::string& file) {
    return check(file, 0);
}

}  // namespace podroute
