// Filters let through exactly the answers they are about, run by libpcap's own interpreter.
#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <rapidcheck.h>

#include <algorithm>

#include "probes/filter.h"
#include "tests/unit/probes_frames.h"

namespace podroute {
namespace {

using testing::advertisement;
using testing::any_address;
using testing::arp_reply;
using testing::Bytes;

constexpr auto kMe = "02:00:00:00:00:0a", kOther = "02:00:00:00:00:0b";

bool passes(const std::vector<BpfInstruction>& filter, const Bytes& frame) {
    std::vector<bpf_insn> code;
    code.reserve(filter.size());
    for (const auto& i : filter) code.push_back({i.code, i.jt, i.jf, i.k});
    const auto size = static_cast<unsigned>(frame.size());
    return bpf_filter(code.data(), frame.data(), size, size) != 0;
}

std::vector<BpfInstruction> filter_for(const std::vector<Address>& addresses) {
    auto filter = compile_filter(answers_expression(kMe, addresses), 128);
    EXPECT_TRUE(filter) << filter.error().text;
    return filter.value();
}

TEST(Filter, LetsThroughTheAnswersAskedForAndNoOthers) {
    testing::holds([] {
        std::vector<Address> asked{any_address(true), any_address(false)};
        for (int i = *rc::gen::inRange(0, 5); i > 0; --i)
            asked.push_back(any_address(*rc::gen::arbitrary<bool>()));
        const auto filter = filter_for(asked);
        const auto answer = [](const Address& a, const char* to) {
            return a.is_v4() ? arp_reply(kOther, a, to) : advertisement(kOther, a, to);
        };
        for (const auto& a : asked) {
            RC_ASSERT(passes(filter, answer(a, kMe)));
            RC_ASSERT(!passes(filter, answer(a, kOther)));
            const auto next = a.offset(1);
            const bool also = std::find(asked.begin(), asked.end(), next) != asked.end();
            RC_ASSERT(passes(filter, answer(next, kMe)) == also);
        }
    });
}

TEST(Filter, OneFamilyAlone) {
    const auto v4 = *Address::parse("10.240.0.21");
    const auto v6 = *Address::parse("fd00:10:240::15");
    EXPECT_TRUE(passes(filter_for({v4}), arp_reply(kOther, v4, kMe)));
    EXPECT_FALSE(passes(filter_for({v4}), advertisement(kOther, v6, kMe)));
    EXPECT_TRUE(passes(filter_for({v6}), advertisement(kOther, v6, kMe)));
    EXPECT_FALSE(passes(filter_for({v6}), arp_reply(kOther, v4, kMe)));
}

TEST(Filter, RandomBytesNeverPass) {
    const auto filter = filter_for({*Address::parse("10.240.0.21"), *Address::parse("fd00:10:240::15")});
    testing::holds([&](const Bytes& bytes) { RC_ASSERT(!passes(filter, bytes)); });
    // Also not when they begin as a frame for us does.
    testing::holds([&](const Bytes& bytes) {
        Bytes frame = testing::mac_bytes(kMe);
        testing::append(frame, testing::mac_bytes(kOther));
        testing::append(frame, bytes);
        RC_ASSERT(!passes(filter, frame));
    });
}

TEST(Filter, TheMostThatIsAskedFitsIntoTheKernelsLimit) {
    for (const bool v4 : {true, false}) {
        std::vector<Address> many;
        many.reserve(128);
        const auto first = *Address::parse(v4 ? "10.240.0.1" : "fd00::1");
        for (int i = 0; i < 128; ++i) many.push_back(first.offset(i));
        const auto filter = filter_for(many);
        EXPECT_LE(filter.size(), 4096U);  // BPF_MAXINSNS
        for (const auto& a : {many.front(), many[64], many.back()})
            EXPECT_TRUE(passes(filter, v4 ? arp_reply(kOther, a, kMe) : advertisement(kOther, a, kMe)));
    }
}

TEST(Filter, SaysWhyAnExpressionIsNone) {
    const auto filter = compile_filter("ether dst nobody at all", 128);
    ASSERT_FALSE(filter);
    EXPECT_EQ(filter.error().code, "bad-filter");
    EXPECT_FALSE(filter.error().text.empty());
}

}  // namespace
}  // namespace podroute
