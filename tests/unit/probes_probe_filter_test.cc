// The capture filter lets through what reading.h knows, of one run and round, and nothing else; run by
// libpcap's own interpreter.
#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include "probes/filter.h"
#include "probes/probe_filter.h"
#include "probes/reading.h"
#include "tests/unit/probes_packets.h"

namespace podroute {
namespace {

using testing::Bytes;
using testing::on_wire;

const ProbeKey kKey{0x1122334455667788, 0x0102};
constexpr std::uint16_t kPort = 8080, kSsh = 22;

bool passes(const std::vector<BpfInstruction>& filter, const Bytes& frame) {
    std::vector<bpf_insn> code;
    for (const auto& i : filter) code.push_back({i.code, i.jt, i.jf, i.k});
    const auto size = static_cast<unsigned>(frame.size());
    return bpf_filter(code.data(), frame.data(), size, size) != 0;
}

std::vector<BpfInstruction> compiled(FilterScope scope = {}) {
    scope.tcp_ports = {kPort, kSsh};
    scope.udp_ports = {kPort};
    auto filter = compile_filter(probes_expression(kKey, scope), 128);
    EXPECT_TRUE(filter) << filter.error().text;
    return filter.value();
}

struct Case {
    Protocol protocol;
    bool v4;
};
std::vector<Case> all_cases() {
    std::vector<Case> out;
    for (const auto protocol : {Protocol::icmp, Protocol::tcp, Protocol::udp})
        for (const bool v4 : {true, false}) out.push_back({protocol, v4});
    return out;
}

ProbePacket probe_of(const Case& c) {
    ProbePacket probe;
    probe.protocol = c.protocol;
    probe.source = *Address::parse(c.v4 ? "10.200.0.200" : "fd00:10:200::c8");
    probe.destination = *Address::parse(c.v4 ? "10.200.1.201" : "fd00:10:200:1::c9");
    probe.port = c.protocol == Protocol::icmp ? 0 : kPort;
    probe.number = 517;
    return probe;
}

TEST(ProbeFilter, LetsThroughAllThatCanBeRead) {
    const auto filter = compiled();
    EXPECT_LE(filter.size(), 200U);
    for (const auto& c : all_cases()) {
        SCOPED_TRACE(std::string(to_string(c.protocol)) + (c.v4 ? " IPv4" : " IPv6"));
        const auto probe = probe_of(c);
        const auto ip = *craft_probe(probe, kKey);
        const auto router = *Address::parse(c.v4 ? "192.0.2.1" : "2001:db8::1");
        std::vector<Bytes> packets{ip, testing::answer_to(ip), testing::with_source(ip, router)};
        if (c.protocol == Protocol::tcp) packets.push_back(testing::reset_to(ip));
        for (const std::size_t quoted : {8U, 64U})
            packets.push_back(testing::error_about(ip, router, c.v4 ? 11 : 3, 0, 0, quoted));
        for (const auto& packet : packets) {
            EXPECT_TRUE(passes(filter, on_wire(packet)));
            EXPECT_TRUE(read_probe(on_wire(packet), kKey));
        }
    }
}

TEST(ProbeFilter, OtherRunsRoundsAndPortsStayOnTheirHost) {
    const auto filter = compiled();
    for (const auto& c : all_cases()) {
        SCOPED_TRACE(std::string(to_string(c.protocol)) + (c.v4 ? " IPv4" : " IPv6"));
        auto probe = probe_of(c);
        const auto other_run =
            *craft_probe(probe, {kKey.word ^ (1ULL << 40), static_cast<std::uint16_t>(kKey.tag + 64)});
        const auto router = *Address::parse(c.v4 ? "192.0.2.1" : "2001:db8::1");
        EXPECT_FALSE(passes(filter, on_wire(other_run)));
        EXPECT_FALSE(passes(filter, on_wire(testing::answer_to(other_run))));
        EXPECT_FALSE(
            passes(filter, on_wire(testing::error_about(other_run, router, c.v4 ? 3 : 1, 1, 0, 64))));
        if (c.protocol == Protocol::icmp) continue;
        probe.port = 443;
        EXPECT_FALSE(passes(filter, on_wire(*craft_probe(probe, kKey))));
    }
}

TEST(ProbeFilter, WhereAProbeEndsItsAnswerIsLeftOut) {
    for (const auto& c : all_cases()) {
        SCOPED_TRACE(std::string(to_string(c.protocol)) + (c.v4 ? " IPv4" : " IPv6"));
        const auto probe = probe_of(c);
        const auto ip = *craft_probe(probe, kKey);
        FilterScope at_target, at_source;
        at_target.answers_to = {probe.destination};
        at_source.answers_to = {probe.source};
        EXPECT_TRUE(passes(compiled(at_target), on_wire(ip)));
        EXPECT_FALSE(passes(compiled(at_target), on_wire(testing::answer_to(ip))));
        EXPECT_TRUE(passes(compiled(at_source), on_wire(ip)));
        EXPECT_TRUE(passes(compiled(at_source), on_wire(testing::answer_to(ip))));
        const auto error = testing::error_about(ip, probe.destination, c.v4 ? 3 : 1, 1, 0, 8);
        EXPECT_TRUE(passes(compiled(at_source), on_wire(error)));
        EXPECT_FALSE(passes(compiled(at_target), on_wire(error)));
    }
}

TEST(ProbeFilter, WhatOurOwnKernelClosesWithIsNotCaught) {
    const auto filter = compiled();
    auto reset = *craft_probe(probe_of({Protocol::tcp, true}), kKey);
    reset[33] = 0x04;  // RST without ACK, from the source
    EXPECT_FALSE(passes(filter, on_wire(reset)));
    EXPECT_FALSE(read_probe(on_wire(reset), kKey));
}

TEST(ProbeFilter, OneFamilyAlone) {
    for (const bool v4 : {true, false}) {
        FilterScope scope;
        scope.v4 = v4;
        scope.v6 = !v4;
        const auto filter = compiled(scope);
        EXPECT_TRUE(passes(filter, on_wire(*craft_probe(probe_of({Protocol::icmp, v4}), kKey))));
        EXPECT_FALSE(passes(filter, on_wire(*craft_probe(probe_of({Protocol::icmp, !v4}), kKey))));
    }
}

TEST(ProbeFilter, RandomBytesNeverPass) {
    const auto filter = compiled();
    testing::holds([&](const Bytes& bytes) {
        RC_ASSERT(!passes(filter, bytes));
        for (const auto& type : {Bytes{8, 0}, Bytes{0x86, 0xdd}}) {
            Bytes frame(12, 2);
            testing::append(frame, type);
            testing::append(frame, bytes);
            RC_ASSERT(!passes(filter, frame));
        }
    });
}

}  // namespace
}  // namespace podroute
