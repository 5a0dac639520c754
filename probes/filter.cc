// Filters by libpcap.
#include "probes/filter.h"

#include <pcap/pcap.h>

#include <memory>

namespace podroute {
namespace {

struct CloseHandle {
    void operator()(pcap_t* handle) const { pcap_close(handle); }
};

std::uint32_t word(const std::uint8_t* bytes) {
    return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
           static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

// Sender protocol address of an ARP reply over Ethernet and IPv4; it stands at byte 14 (RFC 826).
std::string arp_about(const Address& address) {
    return "arp[14:4] = " + std::to_string(address.v4_value());
}

// Target of an advertisement without extension headers: 40 bytes of IPv6, 8 of ICMPv6 (RFC 4861 section 4.4).
std::string advertisement_about(const Address& address) {
    std::string out = "(";
    for (unsigned at = 0; at < 16; at += 4) {
        if (at != 0) out += " and ";
        out += "ip6[" + std::to_string(48 + at) + ":4] = " + std::to_string(word(address.wire() + at));
    }
    return out + ")";
}

// Comparisons only within the protocol they are about, or an offset would be read out of other packets.
std::string within(const std::string& protocol, const std::string& any_of) {
    return any_of.empty() ? "" : "(" + protocol + " and (" + any_of + "))";
}

}  // namespace

Result<std::vector<BpfInstruction>> compile_filter(const std::string& expression, std::uint32_t snaplen) {
    const std::unique_ptr<pcap_t, CloseHandle> handle(pcap_open_dead(DLT_EN10MB, static_cast<int>(snaplen)));
    if (!handle) return failure("bad-filter", "libpcap has no memory");
    bpf_program program{};
    if (pcap_compile(handle.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
        return failure("bad-filter", pcap_geterr(handle.get()));
    std::vector<BpfInstruction> out;
    for (unsigned i = 0; i < program.bf_len; ++i) {
        const bpf_insn& in = program.bf_insns[i];
        out.push_back({in.code, in.jt, in.jf, in.k});
    }
    pcap_freecode(&program);
    return out;
}

std::string answers_expression(const std::string& mac, std::span<const Address> addresses) {
    std::string v4, v6;
    for (const Address& a : addresses) {
        std::string& list = a.is_v4() ? v4 : v6;
        if (!list.empty()) list += " or ";
        list += a.is_v4() ? arp_about(a) : advertisement_about(a);
    }
    const std::string arp = within("arp and arp[6:2] = 2", v4);
    const std::string icmp = within("ip6 and ip6[6] = 58 and ip6[40] = 136", v6);
    const std::string both = !arp.empty() && !icmp.empty() ? " or " : "";
    return "ether dst " + mac + " and (" + arp + both + icmp + ")";
}

}  // namespace podroute
