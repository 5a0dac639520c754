// Columns by name, as kernels differ in them.
#include "agent/neighbour_statistics.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

#include "agent/files.h"
#include "agent/words.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1024} * 1024;  // bytes; a processor takes about 150
constexpr std::size_t kMaxColumns = 64;

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (auto word = take_word(line); !word.empty() && words.size() < kMaxColumns; word = take_word(line))
        words.push_back(word);
    return words;
}

std::optional<std::uint64_t> hexadecimal(std::string_view word) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return value;
}

std::optional<std::size_t> column(const std::vector<std::string_view>& names, std::string_view name) {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) return i;
    return std::nullopt;
}

}  // namespace

Result<NeighbourTable> parse_neighbour_statistics(std::string_view text) {
    const auto names = words_of(take(text, "\n"));
    const auto entries = column(names, "entries");
    const auto fulls = column(names, "table_fulls");
    if (!entries || !fulls) return failure("unreadable", "it has no columns entries and table_fulls");
    NeighbourTable table;
    bool some = false;
    while (!text.empty()) {
        const auto words = words_of(take(text, "\n"));
        if (words.empty()) continue;
        if (words.size() != names.size())
            return failure("unreadable", "a line has not a number for each column");
        const auto held = hexadecimal(words[*entries]);
        const auto refused = hexadecimal(words[*fulls]);
        if (!held || !refused) return failure("unreadable", "a value is no hexadecimal number");
        table.entries = *held;
        const auto room = std::numeric_limits<std::uint64_t>::max() - table.table_fulls;
        table.table_fulls += std::min(room, *refused);
        some = true;
    }
    if (!some) return failure("unreadable", "it has no line of numbers");
    return table;
}

Observed<NeighbourTable> read_neighbour_statistics(Family family, std::uint64_t uncounted,
                                                   const std::string& folder) {
    const std::string path = folder + (family == Family::v4 ? "/arp_cache" : "/ndisc_cache");
    const auto bytes = read_file(path, kMaxFile);
    if (!bytes) return Unknown{bytes.error().text, "", ""};
    auto table = parse_neighbour_statistics(*bytes);
    if (!table) return Unknown{path + ": " + table.error().text, "", ""};
    table->uncounted = uncounted;
    return *table;
}

}  // namespace podroute::agent
