// What a host says it caught: all of it where it is honest, bounded where it is not.
#include <gtest/gtest.h>

#include "hosts/collect.h"
#include "model/collect.h"
#include "tests/unit/hosts_fakes.h"

namespace podroute {
namespace {

using std::chrono::milliseconds;
constexpr std::uint32_t kMost = 0xffffffff;

struct Collected {
    HostCatch caught;
    std::vector<std::uint32_t> waits;  // as asked
    bool good = false;
};

// `answer` is given how often it was asked before.
Collected collect_from(
    const std::function<Reply(std::size_t)>& answer, milliseconds wait,
    const std::function<bool()>& enough = [] { return false; }) {
    Collected out;
    FakeLink link([&](const Request& r) -> Result<Reply> {
        out.waits.push_back(std::get<Collect>(r).wait_ms);
        return answer(out.waits.size() - 1);
    });
    out.good = collect(link, out.caught, wait, enough).has_value();
    return out;
}

CollectReply frames(std::size_t count, std::size_t bytes = 0, std::uint32_t dropped = 0) {
    return {std::vector<Frame>(count, Frame{1, 2, std::vector<std::uint8_t>(bytes)}), dropped};
}

TEST(CollectFromHost, GoesOnWhileRepliesAreFullAlsoWhenTimeIsUp) {
    const auto all = collect_from(
        [](std::size_t i) { return i < 2 ? frames(kFullCollectFrames) : frames(5); }, milliseconds(0));
    EXPECT_TRUE(all.good);
    EXPECT_EQ(all.caught.frames.size(), 2 * kFullCollectFrames + 5);
    EXPECT_EQ(all.caught.dropped, 0U);
    EXPECT_EQ(all.waits, (std::vector<std::uint32_t>{0, 0, 0}));
    // By their bytes they can be full too.
    const auto large =
        collect_from([](std::size_t i) { return i == 0 ? frames(16, kFullCollectBytes / 16) : frames(0); },
                     milliseconds(0));
    EXPECT_EQ(large.waits.size(), 2U);
}

TEST(CollectFromHost, EndsWhenThereIsEnough) {
    int asked = 0;
    const auto one = collect_from([](std::size_t) { return frames(1); }, milliseconds(60'000),
                                  [&] { return ++asked == 3; });
    EXPECT_TRUE(one.good);
    EXPECT_EQ(one.caught.frames.size(), 3U);
}

TEST(CollectFromHost, AHostThatNeverEndsFillsNoMemory) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{128}, kFullCollectBytes / 8}) {
        const std::size_t many = bytes > 1000 ? 100 : 2 * kFullCollectFrames;
        const auto flood =
            collect_from([&](std::size_t) { return frames(many, bytes); }, milliseconds(60'000));
        EXPECT_TRUE(flood.good);
        EXPECT_LE(flood.caught.frames.size(), kMaxCaughtFrames);
        EXPECT_LE(flood.caught.frames.size() * bytes, kMaxCaughtBytes);
        EXPECT_EQ(flood.caught.frames.size() + flood.caught.dropped, flood.waits.size() * many);
        EXPECT_NE(flood.caught.dropped, 0U) << "a count is then a lower bound";
    }
}

TEST(CollectFromHost, AHostThatAnswersAtOnceWithNothingIsNotAskedInATightLoop) {
    const auto empty = collect_from([](std::size_t) { return frames(0); }, milliseconds(200));
    EXPECT_TRUE(empty.good);
    EXPECT_LE(empty.waits.size(), 21U);
    EXPECT_GE(empty.waits.size(), 2U);
}

TEST(CollectFromHost, DroppedOnesAreNeverFewAgain) {
    const auto many = collect_from(
        [](std::size_t i) { return frames(i == 0 ? kFullCollectFrames : 1, 0, kMost); }, milliseconds(0));
    EXPECT_EQ(many.caught.dropped, kMost);
}

TEST(CollectFromHost, ATimeThatNoClockHasIsTheHostsFault) {
    const auto odd = [](std::uint64_t time_us) {
        return collect_from(
                   [time_us](std::size_t) {
                       CollectReply reply;
                       reply.frames.push_back({1, time_us, {0}});
                       return Reply{reply};
                   },
                   milliseconds(0))
            .good;
    };
    EXPECT_TRUE(odd(kLatestTime));
    EXPECT_FALSE(odd(kLatestTime + 1));
}

TEST(CollectFromHost, ARefusalIsTheHosts) {
    EXPECT_FALSE(collect_from([](std::size_t) { return Refused{{"no", "no", ""}}; }, milliseconds(0)).good);
}

}  // namespace
}  // namespace podroute
