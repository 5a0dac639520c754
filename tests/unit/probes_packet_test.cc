// A probe is told from all else, by whatever is left of it; and nothing else is taken for one.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <set>

#include "probes/packet.h"
#include "probes/quote.h"
#include "probes/reading.h"
#include "tests/unit/probes_packets.h"

namespace podroute {
namespace {

using testing::any_address;
using testing::Bytes;
using testing::on_wire;

constexpr std::array kProtocols{Protocol::icmp, Protocol::tcp, Protocol::udp};

ProbeKey any_key() {
    return {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::inRange<std::uint16_t>(1, 0xffff)};
}

ProbePacket any_probe() {
    const bool v4 = *rc::gen::arbitrary<bool>();
    ProbePacket probe;
    probe.protocol = *rc::gen::elementOf(kProtocols);
    probe.source = any_address(v4);
    probe.destination = any_address(v4);
    RC_PRE(!probe.source.is_unspecified() && !probe.destination.is_unspecified());
    probe.port =
        probe.protocol == Protocol::icmp ? std::uint16_t{0} : *rc::gen::inRange<std::uint16_t>(1, 9999);
    probe.number = *rc::gen::inRange<std::uint16_t>(1, kMaxNumber + 1);
    probe.hop_limit = *rc::gen::inRange<std::uint8_t>(1, 255);
    const std::uint32_t payload = probe.protocol == Protocol::tcp ? 12 : 0;  // a SYN has one of 12 or none
    if (*rc::gen::arbitrary<bool>())
        probe.size = *rc::gen::inRange(smallest_size(probe.protocol, probe.source.family()) + payload,
                                       std::uint32_t{3000});
    return probe;
}

// The Internet checksum of the transport part with its pseudo header: 0xffff where the one inside is right
// (RFC 1071, RFC 8200 section 8.1). ICMP has no pseudo header.
unsigned transport_sum(const Bytes& ip) {
    const auto at = testing::header(ip);
    std::uint32_t sum = 0;
    if (testing::next_header(ip) != 1) {
        const std::size_t addresses = testing::is_v4(ip) ? 12 : 8;
        for (std::size_t i = addresses; i < at; i += 2)
            sum += static_cast<std::uint32_t>(ip[i] << 8 | ip[i + 1]);
        sum += static_cast<std::uint32_t>(ip.size() - at) + testing::next_header(ip);
    }
    for (std::size_t i = at; i < ip.size(); ++i)
        sum += static_cast<std::uint32_t>((i - at) % 2 == 0 ? ip[i] << 8 : ip[i]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

TEST(Packet, CraftedAndReadIsTheSame) {
    testing::holds([] {
        const auto key = any_key();
        const auto probe = any_probe();
        const auto ip = craft_probe(probe, key);
        RC_ASSERT(ip.has_value());
        if (probe.size != 0) RC_ASSERT(ip->size() == probe.size);
        const auto seen = read_probe(on_wire(*ip), key);
        RC_ASSERT(seen.has_value());
        SeenPacket wanted;
        wanted.protocol = probe.protocol;
        wanted.source = probe.source;
        wanted.destination = wanted.target = probe.destination;
        wanted.hop_limit = probe.hop_limit;
        wanted.number = probe.number;
        if (probe.protocol == Protocol::tcp) wanted.source_port = source_port(key, probe.number);
        RC_ASSERT(*seen == wanted);
    });
}

TEST(Packet, EachNumberHasAPortOfItsOwn) {
    testing::holds([] {
        const auto key = any_key();
        const auto number = *rc::gen::inRange<std::uint16_t>(1, kMaxNumber + 1);
        const auto port = source_port(key, number);
        RC_ASSERT(port >= kFirstSourcePort && port < kFirstSourcePort + kSourcePorts);
        RC_ASSERT(number_of_port(key, port) == number);
        const auto any = *rc::gen::arbitrary<std::uint16_t>();
        if (const auto back = number_of_port(key, any); back != 0) RC_ASSERT(source_port(key, back) == any);
    });
}

// What an earlier round left half-open at a target must not swallow the SYNs of the next.
TEST(Packet, TheNextRoundsPortsAreOthers) {
    std::set<std::uint16_t> ports;
    for (std::uint16_t tag = 1; tag <= 100; ++tag) ports.insert(source_port({0x1234567812345678, tag}, 1));
    EXPECT_EQ(ports.size(), 100U);
    testing::holds([] {
        const std::uint64_t word = *rc::gen::arbitrary<std::uint64_t>();
        const auto tag = *rc::gen::inRange<std::uint16_t>(1, 0xfff0);
        const int first = source_port({word, tag}, 1),
                  next = source_port({word, static_cast<std::uint16_t>(tag + 1)}, 1);
        RC_ASSERT(std::abs(first - next) > 1000);
    });
}

TEST(Packet, HeadersAreAsTheRfcsSay) {
    testing::holds([] {
        const auto key = any_key();
        const auto probe = any_probe();
        const auto ip = *craft_probe(probe, key);
        RC_ASSERT(transport_sum(ip) == 0xffffU);
        RC_ASSERT(testing::source_of(ip) == probe.source && testing::destination_of(ip) == probe.destination);
        if (probe.source.is_v4()) {
            RC_ASSERT(ip[0] == 0x45);
            RC_ASSERT(static_cast<std::size_t>(ip[2] << 8 | ip[3]) == ip.size());
            RC_ASSERT(ip[6] == 0x40 && ip[7] == 0);  // don't fragment, offset 0
            RC_ASSERT((ip[4] << 8 | ip[5]) == key.tag);
        } else {
            RC_ASSERT(static_cast<std::size_t>(ip[4] << 8 | ip[5]) == ip.size() - 40);
            RC_ASSERT((ip[0] >> 4) == 6 && (ip[2] << 8 | ip[3]) == key.tag);
        }
    });
}

// A SYN whose ports a half-open connection of an earlier round has is answered by nobody.
TEST(Packet, TcpPortsDifferWithinARoundAndFromRoundToRound) {
    const Address from = *Address::parse("10.200.0.200"), to = *Address::parse("10.200.1.200");
    const auto port = [&](std::uint16_t number, const ProbeKey& key) {
        const auto ip = *craft_probe({Protocol::tcp, from, to, 22, number}, key);
        return ip[20] << 8 | ip[21];
    };
    std::set<int> ports;
    for (std::uint16_t number = 1; number <= kMaxNumber; ++number) ports.insert(port(number, {7, 1}));
    EXPECT_EQ(ports.size(), kMaxNumber);
    EXPECT_GE(*ports.begin(), kFirstSourcePort);
    EXPECT_LT(*ports.rbegin(), 32'768) << "the kernel's own begin there";
    // Twenty probes of one round meet none of another's, as good as ever.
    int meet = 0;
    for (std::uint16_t tag = 2; tag < 200; ++tag)
        meet += std::abs(port(1, {7, tag}) - port(1, {7, 1})) < 20 ? 1 : 0;
    EXPECT_LT(meet, 5);
    EXPECT_NE(port(1, {7, 1}), port(1, {8, 1}));
}

TEST(Packet, AnswersAreReadFromTheTargetsSide) {
    testing::holds([] {
        const auto key = any_key();
        const auto probe = any_probe();
        const auto ip = *craft_probe(probe, key);
        const auto check = [&](const Bytes& answer, SeenKind kind) {
            const auto seen = read_probe(on_wire(answer), key);
            RC_ASSERT(seen.has_value());
            RC_ASSERT(seen->kind == kind && seen->protocol == probe.protocol);
            RC_ASSERT(seen->number == probe.number && seen->target == probe.destination);
            RC_ASSERT(seen->source == probe.destination && seen->destination == probe.source);
        };
        check(testing::answer_to(ip), SeenKind::reply);
        if (probe.protocol == Protocol::tcp) check(testing::reset_to(ip), SeenKind::reset);
    });
}

TEST(Packet, ARewrittenSourceIsSeenAndTheProbeStillKnown) {
    testing::holds([] {
        const auto key = any_key();
        const auto probe = any_probe();
        const auto other = any_address(probe.source.is_v4());
        const auto seen = read_probe(on_wire(testing::with_source(*craft_probe(probe, key), other)), key);
        RC_ASSERT(seen.has_value());
        RC_ASSERT(seen->source == other && seen->number == probe.number && seen->target == probe.destination);
    });
}

TEST(Packet, ErrorsAreReadFromTheShortestQuote) {
    testing::holds([] {
        const auto key = any_key();
        const auto probe = any_probe();
        const auto ip = *craft_probe(probe, key);
        const bool v4 = probe.source.is_v4();
        const auto router = any_address(v4);
        RC_PRE(!router.is_unspecified());
        const auto quoted = *rc::gen::elementOf(std::vector<std::size_t>{8, 9, 28, 64, 576});
        const auto mtu = *rc::gen::inRange<std::uint32_t>(1, 0xffff);
        const auto check = [&](std::uint8_t type, std::uint8_t code, std::uint32_t named) {
            const auto error = testing::error_about(ip, router, type, code, named, quoted);
            const auto seen = read_probe(on_wire(error), key);
            RC_ASSERT(seen.has_value());
            RC_ASSERT(seen->kind == SeenKind::objection && seen->protocol == probe.protocol);
            RC_ASSERT(seen->number == probe.number && seen->target == probe.destination);
            RC_ASSERT(seen->type == type && seen->code == code && seen->mtu == named);
            RC_ASSERT(seen->source == router && seen->destination == probe.source);
        };
        check(v4 ? 3 : 2, v4 ? 4 : 0, mtu);  // too big
        check(v4 ? 11 : 3, 0, 0);            // TTL exceeded
        check(v4 ? 3 : 1, v4 ? 13 : 1, 0);   // prohibited
    });
}

TEST(Packet, ARedirectIsNoObjection) {
    const ProbeKey key{1, 2};
    const auto ip =
        *craft_probe({Protocol::icmp, *Address::parse("10.0.0.1"), *Address::parse("10.0.1.1"), 0, 7}, key);
    EXPECT_FALSE(read_probe(on_wire(testing::error_about(ip, *Address::parse("10.0.0.9"), 5, 1, 0, 8)), key));
}

TEST(Packet, ProbesOfOtherRunsAndRoundsAreNotOurs) {
    testing::holds([] {
        const auto key = any_key();
        ProbeKey other = key;
        if (*rc::gen::arbitrary<bool>())
            other.tag = static_cast<std::uint16_t>(key.tag % 0xffff + 1);
        else
            other.word ^= *rc::gen::inRange<std::uint64_t>(1, 1ULL << 40);
        auto probe = any_probe();
        // A SYN carries the tag alone.
        if (other.tag == key.tag && probe.protocol == Protocol::tcp) probe.protocol = Protocol::udp;
        const auto ip = *craft_probe(probe, other);
        RC_ASSERT(!read_probe(on_wire(ip), key));
        RC_ASSERT(!read_probe(on_wire(testing::answer_to(ip)), key));
    });
}

TEST(Packet, RandomBytesNeverMatchAndNeverCrash) {
    const ProbeKey key{0x0123456789abcdef, 0x4242};
    testing::holds([&](const Bytes& bytes) {
        RC_ASSERT(!read_probe(bytes, key));
        for (const auto& type : {Bytes{8, 0}, Bytes{0x86, 0xdd}}) {
            Bytes frame(12, 2);
            testing::append(frame, type);
            testing::append(frame, bytes);
            RC_ASSERT(!read_probe(frame, key));
        }
        RC_ASSERT(!read_quote(bytes, Family::v4, key));
        RC_ASSERT(!read_quote(bytes, Family::v6, key));
    });
}

// A frame of ours, changed or cut: it may still be read (a capture keeps only the beginning), but then as the
// probe it was or as none of its number's range; never crashes.
TEST(Packet, MutatedFramesNeverCrash) {
    testing::holds([] {
        const auto key = any_key();
        const auto ip = *craft_probe(any_probe(), key);
        const auto kind = *rc::gen::inRange(0, 3);
        Bytes frame =
            on_wire(kind == 0   ? ip
                    : kind == 1 ? testing::answer_to(ip)
                                : testing::error_about(ip, testing::destination_of(ip), 3, 4, 1400, 64));
        for (int i = *rc::gen::inRange(0, 6); i > 0; --i) {
            const auto at = *rc::gen::inRange<std::size_t>(0, frame.size());
            frame[at] = *rc::gen::arbitrary<std::uint8_t>();
        }
        frame.resize(*rc::gen::inRange<std::size_t>(0, frame.size() + 1));
        const auto seen = read_probe(frame, key);
        if (seen) RC_ASSERT(seen->number >= 1 && seen->number <= kMaxNumber);
    });
}

// A host may say that it caught anything: packets in packets, as many as a message holds.
TEST(Packet, NestedPacketsNeverExhaustTheStack) {
    const ProbeKey key{77, 78};
    ProbePacket probe{Protocol::icmp, *Address::parse("10.0.0.1"), *Address::parse("10.0.0.2"), 0, 9, 0};
    Bytes frame = on_wire(*craft_probe(probe, key));
    Bytes header(frame.begin() + 14, frame.begin() + 34);
    header[9] = 4;              // the protocol of a packet in a packet
    header[2] = header[3] = 0;  // as long as there is, to libtins
    Bytes nested(frame.begin(), frame.begin() + 14);
    for (int i = 0; i < 200'000; ++i) nested.insert(nested.end(), header.begin(), header.end());
    EXPECT_FALSE(read_probe(nested, key));
}

TEST(Packet, WhatACaptureKeepsOfALongFrameIsEnough) {
    for (const auto* source : {"10.0.0.1", "fd00::1"})
        for (const Protocol protocol : kProtocols) {
            const ProbeKey key{77, 78};
            ProbePacket probe{protocol, *Address::parse(source), Address::parse(source)->offset(1), 0, 9,
                              1500};
            const auto ip = *craft_probe(probe, key);
            for (const auto& packet : {ip, testing::answer_to(ip)}) {
                Bytes frame = on_wire(packet);
                frame.resize(128);
                EXPECT_TRUE(read_probe(frame, key)) << source;
            }
            Bytes error =
                on_wire(testing::error_about(ip, probe.destination, source[0] == '1' ? 3 : 2, 4, 1400, 1200));
            error.resize(128);
            EXPECT_TRUE(read_probe(error, key)) << source;
        }
}

TEST(Packet, WhatCannotBeCraftedIsAnError) {
    const auto a = *Address::parse("10.0.0.1"), b = *Address::parse("fd00::1");
    const ProbeKey key{1, 1};
    const auto refused = [&](const ProbePacket& p, const ProbeKey& k) {
        const auto out = craft_probe(p, k);
        return !out && out.error().code == "bad-probe";
    };
    EXPECT_TRUE(refused({Protocol::icmp, a, b, 0, 1}, key));
    EXPECT_TRUE(refused({Protocol::icmp, a, a, 0, 0}, key));
    EXPECT_TRUE(refused({Protocol::icmp, a, a, 0, kMaxNumber + 1}, key));
    EXPECT_TRUE(refused({Protocol::icmp, a, a, 0, 1, 39}, key));
    EXPECT_TRUE(refused({Protocol::icmp, a, a, 0, 1, kMaxProbeSize + 1}, key));
    EXPECT_TRUE(refused({Protocol::tcp, a, a, 80, 1, 51}, key));
    EXPECT_TRUE(refused({Protocol::icmp, a, a, 0, 1}, {1, 0}));
    EXPECT_TRUE(refused({Protocol::icmp, a, Address::v4(0), 0, 1}, key));
}

}  // namespace
}  // namespace podroute
