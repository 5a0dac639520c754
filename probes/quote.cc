// Quoted headers (RFC 791, RFC 8200).
#include "probes/quote.h"

namespace podroute {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kQuotedBehind = 8;  // bytes of the transport header that are always there
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58;
constexpr std::uint8_t kEchoRequest = 8, kEchoRequestV6 = 128;

std::uint16_t u16(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::optional<std::uint16_t> number_of(Protocol protocol, Family family, Bytes transport,
                                       const ProbeKey& key) {
    std::uint16_t number = 0;
    if (protocol == Protocol::icmp) {
        const std::uint8_t echo = family == Family::v4 ? kEchoRequest : kEchoRequestV6;
        if (transport[0] != echo || transport[1] != 0 || u16(transport, 4) != key.tag) return std::nullopt;
        number = u16(transport, 6);
    } else if (protocol == Protocol::tcp) {
        if (u16(transport, 4) != key.tag) return std::nullopt;
        number = u16(transport, 6);
    } else {
        number = number_of_port(key, u16(transport, 0));
    }
    return number >= 1 && number <= kMaxNumber ? std::optional(number) : std::nullopt;
}

std::optional<Protocol> protocol_of(std::uint8_t next, Family family) {
    if (next == (family == Family::v4 ? kIcmp : kIcmpv6)) return Protocol::icmp;
    if (next == kTcp) return Protocol::tcp;
    if (next == kUdp) return Protocol::udp;
    return std::nullopt;
}

std::optional<Quote> read(Bytes bytes, Family family, std::size_t header, std::uint8_t next,
                          std::size_t addresses, const ProbeKey& key) {
    const auto protocol = protocol_of(next, family);
    if (!protocol || bytes.size() < header + kQuotedBehind) return std::nullopt;
    const auto number = number_of(*protocol, family, bytes.subspan(header), key);
    const std::size_t size = family == Family::v4 ? 4 : 16;
    const auto source = Address::from_bytes(&bytes[addresses], size);
    const auto destination = Address::from_bytes(&bytes[addresses + size], size);
    if (!number || !source || !destination || source->family() != family || destination->family() != family)
        return std::nullopt;
    return Quote{*protocol, *source, *destination, *number};
}

}  // namespace

std::optional<Quote> read_quote(std::span<const std::uint8_t> bytes, Family family, const ProbeKey& key) {
    if (family == Family::v4) {
        if (bytes.size() < 20 || bytes[0] >> 4 != 4) return std::nullopt;
        const std::size_t header = std::size_t{4} * (bytes[0] & 0x0fU);
        const bool first_fragment = (u16(bytes, 6) & 0x1fffU) == 0;
        if (header < 20 || !first_fragment || u16(bytes, 4) != key.tag) return std::nullopt;
        return read(bytes, family, header, bytes[9], 12, key);
    }
    if (bytes.size() < 40 || bytes[0] >> 4 != 6 || u16(bytes, 2) != key.tag) return std::nullopt;
    return read(bytes, family, 40, bytes[6], 8, key);
}

}  // namespace podroute
