// Questions and answers of address resolution: what is crafted reads back, and hostile bytes say nothing.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "probes/arp.h"
#include "tests/unit/probes_frames.h"

namespace podroute {
namespace {

using testing::advertisement;
using testing::any_address;
using testing::any_mac;
using testing::arp_reply;
using testing::Bytes;

TEST(NeighbourQuestion, IsWhatRfc826Says) {
    const auto frame =
        craft_question("02:00:00:00:00:0A", *Address::parse("10.240.0.20"), *Address::parse("10.240.0.21"));
    ASSERT_TRUE(frame);
    const Bytes wanted{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  10,  8, 6,
                       0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0,   0, 10,
                       10,   240,  0,    20,   0,    0,    0, 0, 0, 0, 10, 240, 0, 21};
    ASSERT_GE(frame->size(), wanted.size());
    EXPECT_EQ(Bytes(frame->begin(), frame->begin() + static_cast<std::ptrdiff_t>(wanted.size())), wanted);
}

TEST(NeighbourQuestion, GoesToTheSolicitedNodeGroupWithItsChecksum) {
    const auto frame = craft_question("02:00:00:00:00:0a", *Address::parse("fd00:10:240::14"),
                                      *Address::parse("fd00:10:240::15"));
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->size(), 86U);
    EXPECT_EQ(Bytes(frame->begin(), frame->begin() + 6), (Bytes{0x33, 0x33, 0xff, 0, 0, 0x15}));
    EXPECT_EQ((*frame)[21], 255);  // hop limit
    EXPECT_EQ(Bytes(frame->begin() + 38, frame->begin() + 54),
              (Bytes{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0x15}));
    EXPECT_EQ((*frame)[54], 135);
    EXPECT_EQ(testing::icmpv6_sum(*frame), 0xffff);  // a wrong checksum would never be answered
    EXPECT_EQ(Bytes(frame->begin() + 78, frame->end()), (Bytes{1, 1, 2, 0, 0, 0, 0, 10}));
}

// As a kernel probes what it holds: nobody else is bothered.
TEST(NeighbourQuestion, OfAHolderGoesToItAlone) {
    const Bytes holder{2, 0, 0, 0, 2, 0x15};
    const auto arp = craft_question("02:00:00:00:00:0a", *Address::parse("10.240.0.20"),
                                    *Address::parse("10.240.0.21"), "02:00:00:00:02:15");
    ASSERT_TRUE(arp);
    EXPECT_EQ(Bytes(arp->begin(), arp->begin() + 6), holder);
    EXPECT_EQ(Bytes(arp->begin() + 32, arp->begin() + 38), Bytes(6));  // what is asked for is left open
    const auto solicitation = craft_question("02:00:00:00:00:0a", *Address::parse("fd00:10:240::14"),
                                             *Address::parse("fd00:10:240::15"), "02:00:00:00:02:15");
    ASSERT_TRUE(solicitation);
    EXPECT_EQ(Bytes(solicitation->begin(), solicitation->begin() + 6), holder);
    const auto target = Address::parse("fd00:10:240::15")->raw();
    EXPECT_TRUE(std::equal(target.begin(), target.end(), solicitation->begin() + 38));
    EXPECT_EQ(testing::icmpv6_sum(*solicitation), 0xffff);
}

TEST(NeighbourQuestion, ReadsBack) {
    testing::holds([] {
        const bool v4 = *rc::gen::arbitrary<bool>(), held = *rc::gen::arbitrary<bool>();
        const auto source = any_address(v4), target = any_address(v4);
        const auto frame = craft_question(any_mac(), source, target, held ? any_mac() : "");
        RC_ASSERT(frame.has_value());
        RC_ASSERT(read_question(*frame) == target);
        RC_ASSERT(!read_answer(*frame));  // a question is no answer
    });
}

TEST(NeighbourQuestion, RefusesLinksWithoutEthernetAddressAndMixedFamilies) {
    const auto v4 = *Address::parse("10.240.0.20"), v6 = *Address::parse("fd00::1");
    for (const auto* mac :
         {"", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-0a", "02:00:00:00:00:0a:0b"})
        EXPECT_FALSE(craft_question(mac, v4, v4)) << mac;
    EXPECT_FALSE(craft_question("02:00:00:00:00:0a", v4, v6));
    EXPECT_FALSE(craft_question("02:00:00:00:00:0a", v4, v4, "80:00:02:08:fe:80:00:00:00:00"));
}

TEST(NeighbourAnswer, ReadsBack) {
    testing::holds([] {
        const bool v4 = *rc::gen::arbitrary<bool>();
        const auto mac = any_mac(), to = any_mac();
        const auto address = any_address(v4);
        const auto frame = v4 ? arp_reply(mac, address, to) : advertisement(mac, address, to);
        RC_ASSERT(read_answer(frame) == (NeighbourAnswer{address, mac}));
        RC_ASSERT(!read_question(frame));
    });
}

TEST(NeighbourAnswer, AnAdvertisementThroughARouterSaysNothing) {
    auto frame = advertisement("02:00:00:00:00:0b", *Address::parse("fd00::2"), "02:00:00:00:00:0a");
    ASSERT_TRUE(read_answer(frame));
    frame[21] = 254;
    EXPECT_FALSE(read_answer(frame));
}

TEST(NeighbourAnswer, AGroupsOrNoMacIsNobody) {
    for (const auto* mac : {"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00"})
        EXPECT_FALSE(read_answer(arp_reply(mac, *Address::parse("10.0.0.1"), "02:00:00:00:00:0a"))) << mac;
}

TEST(NeighbourAnswer, RandomBytesSayNothingAndCutOnesNeverCrash) {
    testing::holds([](const Bytes& bytes) { RC_ASSERT(!read_answer(bytes) && !read_question(bytes)); });
    testing::holds([] {
        const bool v4 = *rc::gen::arbitrary<bool>();
        auto frame = v4 ? arp_reply(any_mac(), any_address(true), any_mac())
                        : advertisement(any_mac(), any_address(false), any_mac());
        for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
            frame[*rc::gen::inRange<std::size_t>(12, frame.size())] = *rc::gen::arbitrary<std::uint8_t>();
        frame.resize(*rc::gen::inRange<std::size_t>(0, frame.size() + 1));
        static_cast<void>(read_answer(frame));
        static_cast<void>(read_question(frame));
    });
}

// Behind the two types that are parsed at all, everything is random.
TEST(NeighbourAnswer, RandomPayloadsNeverCrash) {
    testing::holds([](const Bytes& payload) {
        Bytes frame(12, 2);
        const bool arp = *rc::gen::arbitrary<bool>();
        for (const int b : {arp ? 0x08 : 0x86, arp ? 0x06 : 0xdd})
            frame.push_back(static_cast<std::uint8_t>(b));
        frame.insert(frame.end(), payload.begin(), payload.end());
        static_cast<void>(read_answer(frame));
        static_cast<void>(read_question(frame));
    });
}

}  // namespace
}  // namespace podroute
