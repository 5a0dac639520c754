// Progress is one line that vanishes, and nothing at all where there is no terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "reports/progress.h"
#include "reports/text.h"

namespace podroute {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(ProgressLine, SaysHowFarAndWhomItWaitsFor) {
    const ProgressState state{"gathering facts", 100, 99, 98, {"node-7", "node-9"}, std::chrono::seconds(3)};
    EXPECT_EQ(progress_line(state, 100, true),
              "gathering facts   99/100 hosts reached, 98 read   3 s   waiting for node-7, node-9");
    EXPECT_EQ(progress_line(state, 60, true), "gathering facts   99/100 hosts reached, 98 read   3 s");
}

TEST(ProgressLine, NeverWrapsNorObeysTheHost) {
    const ProgressState state{"gathering\nfacts", 3, 1, 1, {"\x1b[2Jnode", "b"}, std::chrono::seconds(0)};
    for (unsigned width = 1; width < 120; ++width) {
        const std::string line = progress_line(state, width, true);
        EXPECT_TRUE(display_width(line) < std::max(width, 3U)) << width << ": " << line;
        EXPECT_THAT(line, Not(HasSubstr("\x1b")));
        EXPECT_THAT(line, Not(HasSubstr("\n")));
    }
}

class ProgressOnAPipe : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(pipe(ends_.data()), 0);
        options_.fd = ends_[1];
        options_.enabled = true;
        options_.interval = std::chrono::milliseconds(2);
    }
    void TearDown() override { close(ends_[0]); }
    std::string written() {
        close(ends_[1]);
        std::string all;
        std::array<char, 4096> buffer{};
        for (ssize_t n = 0; (n = read(ends_[0], buffer.data(), buffer.size())) > 0;)
            all.append(buffer.data(), static_cast<std::size_t>(n));
        return all;
    }
    std::array<int, 2> ends_{};
    ProgressOptions options_;
};

TEST_F(ProgressOnAPipe, VanishesWhenDone) {
    {
        ProgressDisplay progress(options_, {"a", "b"});
        progress.phase("gathering facts");
        std::thread one([&] { progress.reached("a"); });
        std::thread two([&] { progress.reached("b"); });
        one.join();
        two.join();
        progress.read("a");
        progress.read("a");
        usleep(60'000);
        progress.done();
        progress.phase("too late");
        usleep(10'000);
    }
    const std::string text = written();
    EXPECT_THAT(text, HasSubstr("\rgathering facts   2/2 hosts reached, 1 read   waiting for b\x1b[K"));
    EXPECT_THAT(text, EndsWith("\r\x1b[K"));
    EXPECT_THAT(text, Not(HasSubstr("\n")));
}

TEST_F(ProgressOnAPipe, TakesCountsFromWhoNamesNoHosts) {
    {
        ProgressDisplay progress(options_, {});
        progress.update("reading facts", 3, 2, 4);
        usleep(60'000);
    }
    EXPECT_THAT(written(), HasSubstr("\rreading facts   3/4 hosts reached, 2 read\x1b[K"));
}

TEST_F(ProgressOnAPipe, AQuickRunShowsNothing) {
    options_.interval = std::chrono::seconds(5);
    {
        ProgressDisplay progress(options_, {"a"});
        progress.phase("gathering facts");
        progress.read("a");
    }
    EXPECT_EQ(written(), "");
}

TEST_F(ProgressOnAPipe, DisabledItPrintsNothingButWhatIsSaid) {
    options_.enabled = false;
    {
        ProgressDisplay progress(options_, {"a"});
        progress.phase("gathering facts");
        progress.reached("a");
        usleep(10'000);
        progress.say("node-0: retried");
    }
    EXPECT_EQ(written(), "node-0: retried\n");
}

}  // namespace
}  // namespace podroute
