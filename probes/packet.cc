// Probes by libtins.
#include "probes/packet.h"

#include <tins/icmp.h>
#include <tins/icmpv6.h>
#include <tins/ip.h>
#include <tins/ipv6.h>
#include <tins/rawpdu.h>
#include <tins/tcp.h>
#include <tins/udp.h>

#include <cstring>
#include <exception>
#include <memory>

namespace podroute {
namespace {

constexpr std::uint32_t kNonce = 12;  // bytes: word, tag, number
constexpr std::uint16_t kWindow = 1024;

std::uint32_t headers(Protocol protocol, Family family) {
    const std::uint32_t ip = family == Family::v4 ? 20 : 40;
    return ip + (protocol == Protocol::tcp ? 20U : 8U);
}

std::vector<std::uint8_t> payload(const ProbePacket& packet, const ProbeKey& key) {
    const std::uint32_t head = headers(packet.protocol, packet.source.family());
    const std::uint32_t room = packet.size == 0 ? kNonce : packet.size - head;
    std::vector<std::uint8_t> bytes(room);
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(key.word >> (56 - 8 * i));
    bytes[8] = static_cast<std::uint8_t>(key.tag >> 8);
    bytes[9] = static_cast<std::uint8_t>(key.tag);
    bytes[10] = static_cast<std::uint8_t>(packet.number >> 8);
    bytes[11] = static_cast<std::uint8_t>(packet.number);
    for (std::uint32_t i = kNonce; i < room; ++i) bytes[i] = static_cast<std::uint8_t>(i);
    return bytes;
}

// Spread by the golden ratio, so that tags that are close together are far apart here.
std::uint32_t port_shift(const ProbeKey& key) {
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;
    return static_cast<std::uint32_t>(((key.word + key.tag) * kSpread >> 32) % kSourcePorts);
}

std::unique_ptr<Tins::PDU> transport(const ProbePacket& packet, const ProbeKey& key) {
    const std::uint16_t from = source_port(key, packet.number);
    if (packet.protocol == Protocol::tcp) {
        auto tcp = std::make_unique<Tins::TCP>(packet.port, from);
        tcp->flags(Tins::TCP::SYN);
        tcp->seq(static_cast<std::uint32_t>(key.tag) << 16 | packet.number);
        tcp->window(kWindow);
        if (packet.size > headers(packet.protocol, packet.source.family()))
            tcp->inner_pdu(Tins::RawPDU(payload(packet, key)));
        return tcp;
    }
    std::unique_ptr<Tins::PDU> out;
    if (packet.protocol == Protocol::udp) {
        out = std::make_unique<Tins::UDP>(packet.port, from);
    } else if (packet.source.is_v4()) {
        auto echo = std::make_unique<Tins::ICMP>(Tins::ICMP::ECHO_REQUEST);
        echo->id(key.tag);
        echo->sequence(packet.number);
        out = std::move(echo);
    } else {
        auto echo = std::make_unique<Tins::ICMPv6>(Tins::ICMPv6::ECHO_REQUEST);
        echo->identifier(key.tag);
        echo->sequence(packet.number);
        out = std::move(echo);
    }
    out->inner_pdu(Tins::RawPDU(payload(packet, key)));
    return out;
}

// By its bytes: text made and read again takes more time than the rest of the packet.
Tins::IPv4Address ipv4(const Address& address) {
    std::uint32_t network_order = 0;
    std::memcpy(&network_order, address.wire(), sizeof network_order);
    return Tins::IPv4Address(network_order);
}

// libtins looks the source up in the machine's own tables where there is none: it is always set here.
std::vector<std::uint8_t> craft_v4(const ProbePacket& packet, const ProbeKey& key) {
    Tins::IP ip(ipv4(packet.destination), ipv4(packet.source));
    ip.ttl(packet.hop_limit);
    ip.flags(Tins::IP::DONT_FRAGMENT);
    ip.id(key.tag);
    ip.inner_pdu(transport(packet, key).release());
    return ip.serialize();
}

std::vector<std::uint8_t> craft_v6(const ProbePacket& packet, const ProbeKey& key) {
    Tins::IPv6 ip(Tins::IPv6Address(packet.destination.wire()), Tins::IPv6Address(packet.source.wire()));
    ip.hop_limit(packet.hop_limit);
    if (packet.label) ip.flow_label(key.tag);
    ip.inner_pdu(transport(packet, key).release());
    return ip.serialize();
}

}  // namespace

std::uint16_t source_port(const ProbeKey& key, std::uint16_t number) {
    return static_cast<std::uint16_t>(kFirstSourcePort + (number + port_shift(key)) % kSourcePorts);
}

std::uint16_t number_of_port(const ProbeKey& key, std::uint16_t port) {
    if (port < kFirstSourcePort || port >= kFirstSourcePort + kSourcePorts) return 0;
    const std::uint32_t place = port - kFirstSourcePort;
    return static_cast<std::uint16_t>((place + kSourcePorts - port_shift(key)) % kSourcePorts);
}

std::uint32_t smallest_size(Protocol protocol, Family family) {
    return headers(protocol, family) + (protocol == Protocol::tcp ? 0 : kNonce);
}

namespace {

bool size_fits(const ProbePacket& packet) {
    const std::uint32_t head = headers(packet.protocol, packet.source.family());
    const bool bare = packet.protocol == Protocol::tcp && packet.size == head;
    return packet.size == 0 || bare || (packet.size >= head + kNonce && packet.size <= kMaxProbeSize);
}

}  // namespace

Result<std::vector<std::uint8_t>> craft_probe(const ProbePacket& packet, const ProbeKey& key) {
    const Family family = packet.source.family();
    if (packet.destination.family() != family)
        return failure("bad-probe", "source and destination are of two families");
    if (packet.source.is_unspecified() || packet.destination.is_unspecified())
        return failure("bad-probe", "a probe has a source and a destination");
    if (packet.number == 0 || packet.number > kMaxNumber || key.tag == 0)
        return failure("bad-probe", "a probe has a number from 1 to " + std::to_string(kMaxNumber));
    if (!size_fits(packet))
        return failure("bad-probe", "a probe cannot have " + std::to_string(packet.size) + " bytes");
    try {
        return family == Family::v4 ? craft_v4(packet, key) : craft_v6(packet, key);
    } catch (const std::exception& e) {
        return failure("bad-probe", e.what());
    }
}

}  // namespace podroute
