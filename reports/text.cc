#include "reports/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace podroute {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
    char32_t first, last;
};

// Unicode 15: marks that combine with the character before them.
constexpr std::array<Range, 7> kCombining{{{0x0300, 0x036F},
                                           {0x0483, 0x0489},
                                           {0x1AB0, 0x1AFF},
                                           {0x1DC0, 0x1DFF},
                                           {0x20D0, 0x20FF},
                                           {0xFE00, 0xFE0F},
                                           {0xFE20, 0xFE2F}}};
// Unicode 15, EastAsianWidth: the blocks that are wide as a whole.
constexpr std::array<Range, 10> kWide{{{0x1100, 0x115F},
                                       {0x2E80, 0x303E},
                                       {0x3041, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0xFFE0, 0xFFE6},
                                       {0x1F300, 0x1FAFF},
                                       {0x20000, 0x3FFFD}}};
// Reorder, join or hide what stands around them: soft hyphen, Arabic letter mark, zero width, bidirectional
// controls, line and paragraph separators, invisible operators, byte order mark, interlinear marks, tags.
constexpr std::array<Range, 9> kDeceptive{{{0x00AD, 0x00AD},
                                           {0x061C, 0x061C},
                                           {0x180E, 0x180E},
                                           {0x200B, 0x200F},
                                           {0x2028, 0x202E},
                                           {0x2060, 0x206F},
                                           {0xFEFF, 0xFEFF},
                                           {0xFFF9, 0xFFFB},
                                           {0xE0000, 0xE007F}}};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, char32_t c) {
    return std::any_of(ranges.begin(), ranges.end(), [c](Range r) { return r.first <= c && c <= r.last; });
}

std::string visible(char32_t c) {
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    if (c == '\t') return " ";
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    if (in(kDeceptive, c)) return fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    std::string out;
    append_utf8(out, c);
    return out;
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {kReplacement, 1};
    char32_t value = lead & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return {kReplacement, 1};
        value = (value << 6U) | (byte(i) & 0x3FU);
    }
    constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < kLeast.at(size) || surrogate || value > 0x10FFFF) return {kReplacement, 1};
    return {value, size};
}

void append_utf8(std::string& out, char32_t value) {
    const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    const auto tail = [&](unsigned shift) { put(0x80U | ((value >> shift) & 0x3FU)); };
    if (value < 0x80) {
        put(value);
    } else if (value < 0x800) {
        put(0xC0U | (value >> 6U));
        tail(0);
    } else if (value < 0x10000) {
        put(0xE0U | (value >> 12U));
        tail(6);
        tail(0);
    } else {
        put(0xF0U | (value >> 18U));
        tail(12);
        tail(6);
        tail(0);
    }
}

std::string sanitize(std::string_view text, std::size_t max_bytes) {
    constexpr std::string_view kEllipsis = "…";
    const std::size_t room = max_bytes > kEllipsis.size() ? max_bytes - kEllipsis.size() : 0;
    std::string out;
    std::size_t cut = 0;  // where "…" goes should it not fit
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        text.remove_prefix(c.size);
        out += visible(c.value);
        if (out.size() <= room) cut = out.size();
        if (out.size() <= max_bytes) continue;
        out.resize(cut);
        return max_bytes < kEllipsis.size() ? out : out + std::string(kEllipsis);
    }
    return out;
}

std::string to_ascii(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        text.remove_prefix(c.size);
        switch (c.value) {
            case U'→':
                out += "->";
                break;
            case U'⇄':
                out += "<->";
                break;
            case U'…':
                out += "...";
                break;
            case U'–':
                out += '-';
                break;
            default:
                out += c.value < 0x80 ? static_cast<char>(c.value) : '?';
        }
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        text.remove_prefix(c.size);
        width += c.value < 0x300 ? 1U : in(kCombining, c.value) ? 0U : in(kWide, c.value) ? 2U : 1U;
    }
    return width;
}

std::vector<std::string> wrap(std::string_view text, std::size_t first, std::size_t rest) {
    std::vector<std::string> lines(1);
    std::size_t used = 0;
    const auto room = [&] { return std::max<std::size_t>(lines.size() == 1 ? first : rest, 2); };
    const auto next_line = [&] {
        lines.emplace_back();
        used = 0;
    };
    while (!text.empty()) {
        const std::size_t word_at = std::min(text.find_first_not_of(' '), text.size());
        const std::size_t end = std::min(text.find(' ', word_at), text.size());
        std::string_view word = text.substr(word_at, end - word_at);
        text.remove_prefix(end);
        if (word.empty()) break;
        const std::size_t blanks = used == 0 ? 0 : word_at;
        if (used + blanks + display_width(word) <= room()) {
            lines.back() += std::string(blanks, ' ');
            used += blanks;
        } else if (used > 0) {
            next_line();
        }
        while (!word.empty()) {
            const CodePoint c = first_code_point(word);
            const std::size_t width = display_width(word.substr(0, c.size));
            if (used + width > room()) next_line();
            lines.back() += word.substr(0, c.size);
            used += width;
            word.remove_prefix(c.size);
        }
    }
    return lines;
}

std::string list_fitting(const std::vector<std::string>& items, std::size_t width) {
    std::string best;
    std::string all;
    for (std::size_t i = 0; i < items.size(); ++i) {
        all += (i == 0 ? "" : ", ") + items[i];
        const std::size_t left = items.size() - i - 1;
        const std::string with_rest = left == 0 ? all : fmt::format("{} and {} more", all, left);
        if (i == 0 || display_width(with_rest) <= width) best = with_rest;
        if (display_width(all) > width) break;
    }
    return best;
}

std::string counted(std::size_t n, std::string_view noun) {
    return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace podroute
