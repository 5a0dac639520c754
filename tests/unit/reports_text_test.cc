// Text from hosts: nothing reaches a terminal that could move its cursor or lie about what stands there.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "reports/text.h"
#include "tests/unit/reports_tools.h"

namespace podroute {
namespace {

bool valid_utf8(std::string_view text) {
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        // A replacement character that takes up one byte stands for a byte that is no UTF-8.
        if (c.value == 0xFFFD && c.size == 1) return false;
        text.remove_prefix(c.size);
    }
    return true;
}

bool has_controls(std::string_view text) {
    while (!text.empty()) {
        const CodePoint c = first_code_point(text);
        if (c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0)) return true;
        text.remove_prefix(c.size);
    }
    return false;
}

TEST(Sanitize, MakesControlsVisible) {
    EXPECT_EQ(sanitize("node\x1b[2J-0"), "node\\x1b[2J-0");
    EXPECT_EQ(sanitize("a\r\nPASSED"), "a\\r\\nPASSED");
    EXPECT_EQ(sanitize(std::string_view("nul\0", 4)), "nul\\x00");
    EXPECT_EQ(sanitize("\xc2\x9b"
                       "31m"),
              "\\x9b31m")
        << "C1 CSI";
    EXPECT_EQ(sanitize("a\tb"), "a b");
}

TEST(Sanitize, MakesReorderingVisible) {
    EXPECT_EQ(sanitize("\xe2\x80\xae"
                       "0-edon"),
              "\\u202e0-edon");
    EXPECT_EQ(sanitize("node\xe2\x80\x8b-0"), "node\\u200b-0");
}

TEST(Sanitize, ReplacesWhatIsNoUtf8) {
    EXPECT_EQ(sanitize("\xff"), "\xef\xbf\xbd");
    EXPECT_EQ(sanitize("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd") << "overlong";
    EXPECT_EQ(sanitize("\xed\xa0\x80").size(), 9U) << "a surrogate";
    EXPECT_EQ(sanitize("caf\xc3\xa9 \xe2\x87\x84 \xf0\x9f\x98\x80"),
              "caf\xc3\xa9 \xe2\x87\x84 \xf0\x9f\x98\x80");
}

RC_GTEST_PROP(Sanitize, IsSafeAndBoundedWhateverComes, ()) {
    const std::string text = testing_tools::nasty_string();
    const auto limit = *rc::gen::inRange<std::size_t>(0, 60);
    const std::string safe = sanitize(text, limit);
    RC_ASSERT(safe.size() <= limit);
    RC_ASSERT(valid_utf8(safe));
    RC_ASSERT(!has_controls(safe));
    RC_ASSERT(sanitize(safe, limit) == safe);
    const std::string ascii = to_ascii(safe);
    RC_ASSERT(std::all_of(ascii.begin(), ascii.end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
}

TEST(Width, ArrowsAreOneColumnAndEmojiTwo) {
    EXPECT_EQ(display_width("node-0 \xe2\x87\x84 node-1"), 15U);
    EXPECT_EQ(display_width("\xe2\x86\x92"), 1U);
    EXPECT_EQ(display_width("\xf0\x9f\x98\x80\xe4\xb8\xad"), 4U);
    EXPECT_EQ(display_width("e\xcc\x81"), 1U);
}

RC_GTEST_PROP(Wrap, KeepsEveryWordWithinTheWidth, ()) {
    const std::string text = sanitize(testing_tools::nasty_string());
    const auto width = *rc::gen::inRange<std::size_t>(2, 40);
    const auto without_blanks = [](std::string s) {
        std::erase(s, ' ');
        return s;
    };
    std::string all;
    for (const std::string& line : wrap(text, width, width)) {
        RC_ASSERT(display_width(line) <= width);
        all += line;
    }
    RC_ASSERT(without_blanks(all) == without_blanks(text));
}

TEST(Wrap, KeepsBlanksInsideALine) {
    const std::vector<std::string> wanted{"pod a   request", "stops"};
    EXPECT_EQ(wrap("pod a   request stops", 16, 16), wanted);
}

TEST(ListFitting, SaysHowManyAreLeft) {
    const std::vector<std::string> hosts{"node-0", "node-1", "node-2"};
    EXPECT_EQ(list_fitting(hosts, 80), "node-0, node-1, node-2");
    EXPECT_EQ(list_fitting(hosts, 21), "node-0 and 2 more");
    EXPECT_EQ(list_fitting(hosts, 1), "node-0 and 2 more") << "never nothing";
    EXPECT_EQ(list_fitting({}, 80), "");
}

}  // namespace
}  // namespace podroute
