// Frames by libtins.
#include "probes/reading.h"

#include <tins/icmp.h>
#include <tins/icmpv6.h>
#include <tins/ip.h>
#include <tins/ipv6.h>
#include <tins/rawpdu.h>
#include <tins/tcp.h>
#include <tins/udp.h>

#include <exception>

#include "probes/filter.h"
#include "probes/quote.h"

namespace podroute {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kEthernetHeader = 14;  // bytes
constexpr std::size_t kIpv6Header = 40;
constexpr std::uint16_t kIpv4Type = 0x0800, kIpv6Type = 0x86dd;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kUnreachable = 3, kTooBig = 4, kTooBigV6 = 2;

std::uint16_t u16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
std::uint32_t u32(Bytes bytes, std::size_t at) {
    return static_cast<std::uint32_t>(u16(bytes, at)) << 16 | u16(bytes, at + 2);
}

bool fits(std::uint16_t number) {
    return number >= 1 && number <= kMaxNumber;
}

// The number in a payload of ours.
std::optional<std::uint16_t> number_in(const Tins::PDU& of, const ProbeKey& key) {
    const auto* raw = of.find_pdu<Tins::RawPDU>();
    if (raw == nullptr || raw->payload().size() < 12) return std::nullopt;
    const Bytes bytes(raw->payload());
    const auto word = static_cast<std::uint64_t>(u32(bytes, 0)) << 32 | u32(bytes, 4);
    if (word != key.word || u16(bytes, 8) != key.tag || !fits(u16(bytes, 10))) return std::nullopt;
    return u16(bytes, 10);
}

SeenPacket about(SeenKind kind, Protocol protocol, const SeenPacket& ip, std::uint16_t number) {
    SeenPacket out = ip;
    out.kind = kind;
    out.protocol = protocol;
    out.number = number;
    out.target = kind == SeenKind::request ? ip.destination : ip.source;
    return out;
}

// Of what a SYN-ACK or a reset acknowledges. A reset acknowledges the payload of a SYN as well (RFC 9293
// section 3.10.7.1): the port that it is sent to tells which SYN it was, unless a NAT rewrote that.
std::uint16_t acknowledged(const Tins::TCP& tcp, std::uint16_t number, const ProbeKey& key) {
    const std::uint16_t by_port = number_of_port(key, tcp.dport());
    const bool payload = fits(by_port) && by_port < number && number - by_port <= int{kMaxProbeSize};
    return tcp.get_flag(Tins::TCP::RST) != 0 && payload ? by_port : number;
}

std::optional<SeenPacket> read_tcp(const Tins::TCP& tcp, const SeenPacket& ip, const ProbeKey& key) {
    const bool syn = tcp.get_flag(Tins::TCP::SYN) != 0, ack = tcp.get_flag(Tins::TCP::ACK) != 0;
    const bool reset = tcp.get_flag(Tins::TCP::RST) != 0;
    if (syn == reset) return std::nullopt;  // our own kernel resets what we opened; that one has no ACK
    const std::uint32_t sequence = syn && !ack ? tcp.seq() : tcp.ack_seq() - 1;
    auto number = static_cast<std::uint16_t>(sequence);
    if (ack) number = acknowledged(tcp, number, key);
    if (sequence >> 16 != key.tag || !fits(number) || (reset && !ack)) return std::nullopt;
    const auto kind = syn && !ack ? SeenKind::request : reset ? SeenKind::reset : SeenKind::reply;
    auto out = about(kind, Protocol::tcp, ip, number);
    out.source_port = kind == SeenKind::request ? tcp.sport() : tcp.dport();
    return out;
}

// Request or reply is told by the ports: the probe's source port stands for its number, its destination port
// is another.
std::optional<SeenPacket> read_udp(const Tins::UDP& udp, const SeenPacket& ip, const ProbeKey& key) {
    const auto number = number_in(udp, key);
    if (!number) return std::nullopt;
    const bool reply = udp.dport() == source_port(key, *number);
    return about(reply ? SeenKind::reply : SeenKind::request, Protocol::udp, ip, *number);
}

std::optional<SeenPacket> read_echo(bool request, const Tins::PDU& echo, const SeenPacket& ip,
                                    const ProbeKey& key) {
    const auto number = number_in(echo, key);
    if (!number) return std::nullopt;
    return about(request ? SeenKind::request : SeenKind::reply, Protocol::icmp, ip, *number);
}

std::optional<SeenPacket> read_objection(const Tins::PDU& error, SeenPacket ip, const ProbeKey& key) {
    const auto* raw = error.find_pdu<Tins::RawPDU>();
    if (raw == nullptr) return std::nullopt;
    const auto quote = read_quote(raw->payload(), ip.source.family(), key);
    if (!quote) return std::nullopt;
    ip.kind = SeenKind::objection;
    ip.protocol = quote->protocol;
    ip.number = quote->number;
    ip.target = quote->destination;
    return ip;
}

std::optional<SeenPacket> read_icmp(const Tins::ICMP& icmp, SeenPacket ip, const ProbeKey& key) {
    switch (icmp.type()) {
        case Tins::ICMP::ECHO_REQUEST:
        case Tins::ICMP::ECHO_REPLY:
            return read_echo(icmp.type() == Tins::ICMP::ECHO_REQUEST, icmp, ip, key);
        case Tins::ICMP::DEST_UNREACHABLE:
        case Tins::ICMP::TIME_EXCEEDED:
        case Tins::ICMP::PARAM_PROBLEM:
            ip.type = icmp.type();
            ip.code = icmp.code();
            if (ip.type == kUnreachable && ip.code == kTooBig) ip.mtu = icmp.mtu();
            return read_objection(icmp, ip, key);
        default:
            return std::nullopt;
    }
}

std::optional<SeenPacket> read_icmpv6(const Tins::ICMPv6& icmp, SeenPacket ip, Bytes message,
                                      const ProbeKey& key) {
    switch (icmp.type()) {
        case Tins::ICMPv6::ECHO_REQUEST:
        case Tins::ICMPv6::ECHO_REPLY:
            return read_echo(icmp.type() == Tins::ICMPv6::ECHO_REQUEST, icmp, ip, key);
        case Tins::ICMPv6::DEST_UNREACHABLE:
        case Tins::ICMPv6::PACKET_TOOBIG:
        case Tins::ICMPv6::TIME_EXCEEDED:
        case Tins::ICMPv6::PARAM_PROBLEM:
            ip.type = static_cast<std::uint8_t>(icmp.type());
            ip.code = icmp.code();
            if (ip.type == kTooBigV6) ip.mtu = u32(message, 4);
            return read_objection(icmp, ip, key);
        default:
            return std::nullopt;
    }
}

std::optional<SeenPacket> read_v4(Bytes packet, const ProbeKey& key) {
    const Tins::IP parsed(packet.data(), static_cast<std::uint32_t>(packet.size()));
    SeenPacket ip;
    const auto source = Address::from_bytes(&packet[12], 4),
               destination = Address::from_bytes(&packet[16], 4);
    if (!source || !destination) return std::nullopt;
    ip.source = *source;
    ip.destination = *destination;
    ip.hop_limit = parsed.ttl();
    const Tins::PDU* inner = parsed.inner_pdu();
    if (inner == nullptr) return std::nullopt;
    if (inner->pdu_type() == Tins::PDU::ICMP)
        return read_icmp(static_cast<const Tins::ICMP&>(*inner), ip, key);
    if (inner->pdu_type() == Tins::PDU::TCP) return read_tcp(static_cast<const Tins::TCP&>(*inner), ip, key);
    if (inner->pdu_type() == Tins::PDU::UDP) return read_udp(static_cast<const Tins::UDP&>(*inner), ip, key);
    return std::nullopt;
}

// A capture keeps the beginning of a packet only, and libtins refuses an IPv6 packet that is shorter than its
// header says: the header is made to say what is there.
std::vector<std::uint8_t> as_long_as_kept(Bytes packet) {
    std::vector<std::uint8_t> out(packet.begin(), packet.end());
    const std::size_t kept = packet.size() - kIpv6Header;
    if (u16(packet, 4) <= kept) return out;
    out[4] = static_cast<std::uint8_t>(kept >> 8);
    out[5] = static_cast<std::uint8_t>(kept);
    return out;
}

std::optional<SeenPacket> read_v6(Bytes packet, const ProbeKey& key) {
    const auto whole = as_long_as_kept(packet);
    const Tins::IPv6 parsed(whole.data(), static_cast<std::uint32_t>(whole.size()));
    SeenPacket ip;
    const auto source = Address::from_bytes(&packet[8], 16),
               destination = Address::from_bytes(&packet[24], 16);
    // A mapped IPv4 address belongs on no wire.
    if (!source || !destination || source->is_v4() || destination->is_v4()) return std::nullopt;
    ip.source = *source;
    ip.destination = *destination;
    ip.hop_limit = parsed.hop_limit();
    const Tins::PDU* inner = parsed.inner_pdu();
    if (inner == nullptr) return std::nullopt;
    // Without extension headers: none of ours has any, and no router adds one to an error.
    if (inner->pdu_type() == Tins::PDU::ICMPv6 && packet[6] == kIcmpv6 && packet.size() >= kIpv6Header + 8)
        return read_icmpv6(static_cast<const Tins::ICMPv6&>(*inner), ip, packet.subspan(kIpv6Header), key);
    if (inner->pdu_type() == Tins::PDU::TCP) return read_tcp(static_cast<const Tins::TCP&>(*inner), ip, key);
    if (inner->pdu_type() == Tins::PDU::UDP) return read_udp(static_cast<const Tins::UDP&>(*inner), ip, key);
    return std::nullopt;
}

}  // namespace

std::optional<SeenPacket> read_probe(std::span<const std::uint8_t> frame, const ProbeKey& key) {
    if (frame.size() <= kEthernetHeader) return std::nullopt;
    const std::uint16_t type = u16(frame, 12);
    const Bytes packet = frame.subspan(kEthernetHeader);
    const unsigned version = packet[0] >> 4U;
    if ((type != kIpv4Type || version != 4) && (type != kIpv6Type || version != 6)) return std::nullopt;
    return read_packet(packet, key);
}

std::optional<SeenPacket> read_packet(std::span<const std::uint8_t> packet, const ProbeKey& key) {
    if (packet.empty()) return std::nullopt;
    packet = as_kept(packet);
    const unsigned version = packet[0] >> 4U;
    try {
        if (version == 4 && packet.size() >= 20) return read_v4(packet, key);
        if (version == 6 && packet.size() >= kIpv6Header) return read_v6(packet, key);
    } catch (const std::exception&) {  // libtins throws on what it cannot read
        return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace podroute
