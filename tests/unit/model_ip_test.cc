// Addresses and prefixes: parsing says what is wrong, and arithmetic agrees with plain definitions.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "model/ip.h"

namespace podroute {
namespace {

TEST(Address, ParsesAndPrintsBothFamilies) {
    for (const auto* text : {"10.240.0.20", "0.0.0.0", "255.255.255.255", "::", "fd00:10:240::14", "fe80::1"})
        EXPECT_EQ(Address::parse(text).value().to_string(), text);
}

TEST(Address, RefusesWhatIsNone) {
    for (const auto* text :
         {"", "10.240.0", "10.240.0.256", "10.240.0.020", "node-0", "10.0.0.1/24", ":::", "::ffff:10.0.0.1",
          "10.240.0.20 ", "1234567890123456789012345678901234567890123456789012345678901234567890"})
        EXPECT_FALSE(Address::parse(text)) << text;
}

TEST(Prefix, SaysTheNetworkItWouldBe) {
    const auto bad = Prefix::parse("10.200.0.1/24");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, "host-bits-set");
    EXPECT_NE(bad.error().text.find("10.200.0.0/24"), std::string::npos);
}

TEST(Prefix, RefusesBadLengths) {
    for (const auto* text : {"10.200.0.0", "10.200.0.0/", "10.200.0.0/33", "10.200.0.0/024", "10.200.0.0/-1",
                             "10.200.0.0/24x", "fd00::/129"})
        EXPECT_FALSE(Prefix::parse(text)) << text;
}

TEST(Prefix, UsableAddressesLeaveOutNetworkAndBroadcast) {
    const auto p = *Prefix::parse("10.200.0.0/24");
    EXPECT_EQ(p.first_usable().to_string(), "10.200.0.1");
    EXPECT_EQ(p.last_usable().to_string(), "10.200.0.254");
    EXPECT_EQ(p.sample_pod().to_string(), "10.200.0.2");
    EXPECT_EQ(Prefix::parse("10.0.0.4/31")->sample_pod().to_string(), "10.0.0.5");
    EXPECT_EQ(Prefix::parse("10.0.0.4/32")->sample_pod().to_string(), "10.0.0.4");
    EXPECT_EQ(Prefix::parse("fd00::/64")->last_usable().to_string(), "fd00::ffff:ffff:ffff:ffff");
}

TEST(Prefix, ContainsIsBitwise) {
    EXPECT_TRUE(rc::check([](std::uint32_t network, std::uint32_t address) {
        const unsigned length = *rc::gen::inRange(0U, 33U);
        const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
        RC_ASSERT(Prefix(Address::v4(network), length).contains(Address::v4(address)) ==
                  ((network & mask) == (address & mask)));
        RC_ASSERT(Prefix(Address::v4(network), length).contains(Address::v4(network)));
    }));
}

TEST(Prefix, TextRoundTrips) {
    EXPECT_TRUE(rc::check([](std::array<std::uint8_t, 16> bytes) {
        bytes[0] = 0xfd;
        const Prefix p(Address::v6(bytes), *rc::gen::inRange(0U, 129U));
        RC_ASSERT(*Prefix::parse(p.to_string()) == p);
        RC_ASSERT(p.contains(p.first()) && p.contains(p.last()));
        RC_ASSERT(p.is_default() || !p.contains(p.last().offset(1)) || p.last().offset(1) < p.last());
    }));
}

TEST(Address, OffsetCarriesAndReturns) {
    EXPECT_TRUE(rc::check([](std::uint32_t value) {
        const auto n = *rc::gen::inRange<std::int64_t>(-70000, 70000);
        const auto a = Address::v4(value);
        RC_ASSERT(a.offset(n).offset(-n) == a);
        RC_ASSERT(a.offset(n).v4_value() == static_cast<std::uint32_t>(value + n));
    }));
}

}  // namespace
}  // namespace podroute
