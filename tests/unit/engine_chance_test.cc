// Few packets that are all lost: a fault of their own, or part of a heavy loss.
#include <gtest/gtest.h>

#include <vector>

#include "engine/chance.h"
#include "engine/probe_facts.h"

namespace podroute {
namespace {

TEST(Chance, TakesAllOfAFewWhereMostAreLost) {
    EXPECT_TRUE(may_take_all({20, 1}, 1));
    EXPECT_TRUE(may_take_all({20, 3}, 3));
    EXPECT_FALSE(may_take_all({20, 10}, 10));
    EXPECT_FALSE(may_take_all({20, 20}, 1));
    EXPECT_FALSE(may_take_all({0, 0}, 1));
}

// 95 of 100 are lost: of 20 packets all, once in three times.
TEST(Chance, TakesSomeFlowsAltogetherWhereOthersPassAPart) {
    EXPECT_TRUE(taken_by_chance(std::vector<Passage>{{20, 1}, {20, 2}, {20, 0}, {20, 1}, {20, 0}}));
    EXPECT_FALSE(taken_by_chance(std::vector<Passage>{{20, 12}, {20, 11}, {20, 0}, {20, 12}}));
    // One may be, four are too many.
    EXPECT_TRUE(taken_by_chance(std::vector<Passage>{{20, 5}, {20, 5}, {20, 0}}));
    EXPECT_FALSE(taken_by_chance(std::vector<Passage>{{20, 5}, {20, 5}, {20, 0}, {20, 0}, {20, 0}, {20, 0}}));
}

TEST(Chance, IsNotKnownWhereNothingPasses) {
    EXPECT_FALSE(taken_by_chance(std::vector<Passage>{{20, 0}, {20, 0}}));
    EXPECT_FALSE(taken_by_chance(std::vector<Passage>{}));
    EXPECT_FALSE(taken_by_chance(std::vector<Passage>{{0, 0}}));
}

ProbeLeg failed_leg(std::uint32_t arrived, std::uint32_t answered) {
    ProbedFlow flow;
    flow.sent = 20;
    flow.arrived = arrived;
    flow.answered = answered;
    return flow.failed_leg();
}

// The answer to the one packet that arrived may be lost as the other 19 were.
TEST(Chance, MakesNoLegFailThatFewPacketsTook) {
    EXPECT_EQ(failed_leg(1, 0), ProbeLeg::request);
    EXPECT_EQ(failed_leg(3, 0), ProbeLeg::request);
    EXPECT_EQ(failed_leg(10, 0), ProbeLeg::reply);
    EXPECT_EQ(failed_leg(20, 0), ProbeLeg::reply);
}

TEST(FailedLeg, OfAPartIsTheOneThatLostMost) {
    EXPECT_EQ(failed_leg(19, 10), ProbeLeg::reply);
    EXPECT_EQ(failed_leg(8, 3), ProbeLeg::request);
    EXPECT_EQ(failed_leg(18, 16), ProbeLeg::request);
}

}  // namespace
}  // namespace podroute
