// Parsing, printing and arithmetic of addresses and prefixes.
#include "model/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace podroute {
namespace {

constexpr std::size_t kMappedPrefix = 12;  // bytes of ::ffff:0:0/96 before the IPv4 address

constexpr std::array<std::uint8_t, kMappedPrefix> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool has_mapped_prefix(const std::array<std::uint8_t, 16>& bytes) {
    return std::memcmp(bytes.data(), kMapped.data(), kMappedPrefix) == 0;
}

}  // namespace

std::string_view to_string(Family family) {
    return family == Family::v4 ? "IPv4" : "IPv6";
}

Address Address::v4(std::uint32_t host_order) {
    Address a;
    a.bytes_[10] = a.bytes_[11] = 0xff;
    for (unsigned i = 0; i < 4; ++i)
        a.bytes_[kMappedPrefix + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return a;
}

Address Address::v6(const std::array<std::uint8_t, 16>& network_order) {
    Address a;
    a.bytes_ = network_order;
    return a;
}

Result<Address> Address::from_bytes(const void* data, std::size_t size) {
    Address a;
    if (size == 4) {
        a = v4(0);
        std::memcpy(a.bytes_.data() + kMappedPrefix, data, 4);
        return a;
    }
    if (size != 16)
        return failure("bad-address", "an address has 4 or 16 bytes, not " + std::to_string(size));
    std::memcpy(a.bytes_.data(), data, 16);
    return a;
}

Result<Address> Address::parse(std::string_view text) {
    // inet_pton wants a terminated string; nothing longer than this is an address.
    char buffer[INET6_ADDRSTRLEN + 1] = {};
    if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos)
        return failure("bad-address", "not an IPv4 or IPv6 address");
    std::memcpy(buffer, text.data(), text.size());
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(AF_INET, buffer, bytes.data()) == 1) return from_bytes(bytes.data(), 4);
    if (inet_pton(AF_INET6, buffer, bytes.data()) != 1)
        return failure("bad-address", "not an IPv4 or IPv6 address");
    if (has_mapped_prefix(bytes))
        return failure("bad-address", "an IPv4-mapped IPv6 address; write it as IPv4");
    return v6(bytes);
}

Family Address::family() const {
    return has_mapped_prefix(bytes_) ? Family::v4 : Family::v6;
}

bool Address::is_link_local() const {
    if (is_v4()) return bytes_[12] == 169 && bytes_[13] == 254;
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool Address::is_unspecified() const {
    return *this == Address{} || *this == v4(0);
}

std::uint32_t Address::v4_value() const {
    if (!is_v4()) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = kMappedPrefix; i < 16; ++i) value = value << 8 | bytes_[i];
    return value;
}

const std::uint8_t* Address::wire() const {
    return bytes_.data() + (is_v4() ? kMappedPrefix : 0);
}

bool Address::bit(unsigned index) const {
    const unsigned at = index + (is_v4() ? 96U : 0U);
    return at < 128 && (bytes_[at / 8] >> (7 - at % 8) & 1) != 0;
}

Address Address::with_bits_from(unsigned index, bool value) const {
    Address a = *this;
    const unsigned at = index + (is_v4() ? 96U : 0U);
    for (std::size_t byte = at / 8; byte < 16; ++byte) {
        const auto mask = static_cast<std::uint8_t>(byte == at / 8 ? 0xffU >> at % 8 : 0xffU);
        a.bytes_[byte] = static_cast<std::uint8_t>(value ? a.bytes_[byte] | mask : a.bytes_[byte] & ~mask);
    }
    return a;
}

Address Address::offset(std::int64_t n) const {
    Address a = *this;
    std::int64_t carry = n;
    const std::size_t stop = is_v4() ? kMappedPrefix : 0;
    for (std::size_t i = 16; i > stop && carry != 0; --i) {
        const std::int64_t sum = a.bytes_[i - 1] + carry;
        a.bytes_[i - 1] = static_cast<std::uint8_t>(sum & 0xff);
        carry = sum >> 8;
    }
    return a;
}

std::string Address::to_string() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    inet_ntop(is_v4() ? AF_INET : AF_INET6, wire(), buffer, sizeof buffer);
    return buffer;
}

Prefix::Prefix(const Address& address, unsigned length)
    : network_(address.with_bits_from(std::min(length, address.bits()), false)),
      length_(static_cast<std::uint8_t>(std::min(length, address.bits()))) {}

Prefix Prefix::any(Family family) {
    return family == Family::v4 ? Prefix{Address::v4(0), 0} : Prefix{Address{}, 0};
}

Result<Prefix> Prefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos)
        return failure("bad-prefix", "no prefix length; write it as ADDRESS/LENGTH");
    const auto address = Address::parse(text.substr(0, slash));
    if (!address) return failure("bad-prefix", address.error().text);
    const auto digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    const bool leading_zero = digits.size() > 1 && digits.front() == '0';
    if (ec != std::errc{} || end != digits.data() + digits.size() || leading_zero || length > address->bits())
        return failure("bad-prefix",
                       "the prefix length must be a number from 0 to " + std::to_string(address->bits()));
    const Prefix prefix{*address, length};
    if (prefix.network() != *address)
        return failure("host-bits-set", "host bits are set; the network would be " + prefix.to_string());
    return prefix;
}

bool Prefix::contains(const Address& address) const {
    if (address.family() != family()) return false;
    const unsigned bits = length_ + (address.is_v4() ? 96U : 0U);
    if (std::memcmp(address.raw().data(), network_.raw().data(), bits / 8) != 0) return false;
    if (bits % 8 == 0) return true;
    const unsigned difference = address.raw()[bits / 8] ^ static_cast<unsigned>(network_.raw()[bits / 8]);
    return difference >> (8 - bits % 8) == 0;
}

bool Prefix::contains(const Prefix& other) const {
    return other.length_ >= length_ && contains(other.network_);
}

Address Prefix::first_usable() const {
    return length_ + 2U <= network_.bits() ? network_.offset(1) : network_;
}

Address Prefix::last_usable() const {
    const bool has_broadcast = network_.is_v4() && length_ + 2U <= network_.bits();
    return has_broadcast ? last().offset(-1) : last();
}

Address Prefix::sample_pod() const {
    const Address second = first_usable().offset(1);
    return contains(second) && second <= last_usable() ? second : first_usable();
}

std::string Prefix::to_string() const {
    return network_.to_string() + "/" + std::to_string(length_);
}

}  // namespace podroute
