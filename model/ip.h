// IP addresses and prefixes as small values: 16 and 17 bytes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "model/result.h"

namespace podroute {

enum class Family : std::uint8_t { v4 = 4, v6 = 6 };

std::string_view to_string(Family family);  // "IPv4", "IPv6"

// An IPv4 or IPv6 address. IPv4 is held IPv4-mapped (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2); a mapped
// address written as IPv6 is refused by parse(), because none belongs on a wire.
class Address {
  public:
    Address() = default;  // ::
    static Address v4(std::uint32_t host_order);
    static Address v6(const std::array<std::uint8_t, 16>& network_order);
    // Network-order bytes as netlink gives them: 4 or 16 of them, else an Error.
    static Result<Address> from_bytes(const void* data, std::size_t size);
    static Result<Address> parse(std::string_view text);

    Family family() const;
    bool is_v4() const { return family() == Family::v4; }
    bool is_link_local() const;   // 169.254/16, fe80::/10
    bool is_unspecified() const;  // 0.0.0.0, ::
    unsigned bits() const { return is_v4() ? 32U : 128U; }
    std::uint32_t v4_value() const;  // host order; 0 when IPv6
    const std::array<std::uint8_t, 16>& raw() const { return bytes_; }
    const std::uint8_t* wire() const;  // network order
    std::size_t wire_size() const { return is_v4() ? 4U : 16U; }
    bool bit(unsigned index) const;                            // 0 = most significant within the family
    Address with_bits_from(unsigned index, bool value) const;  // all bits from index on set to value
    // The address n further (or back); wraps within the family.
    Address offset(std::int64_t n) const;
    std::string to_string() const;

    auto operator<=>(const Address&) const = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
};

// A prefix; length counts bits within the family (0..32 or 0..128). Host bits are always zero.
class Prefix {
  public:
    Prefix() = default;                               // ::/0
    Prefix(const Address& address, unsigned length);  // clears host bits; length is clamped to the family's
    // "10.200.0.0/24". Host bits set, a missing or leading-zero length are errors that say what it would be.
    static Result<Prefix> parse(std::string_view text);
    static Prefix host(const Address& address) { return {address, address.bits()}; }
    static Prefix any(Family family);  // 0.0.0.0/0 or ::/0

    const Address& network() const { return network_; }
    unsigned length() const { return length_; }
    Family family() const { return network_.family(); }
    bool is_host() const { return length_ == network_.bits(); }
    bool is_default() const { return length_ == 0; }
    bool contains(const Address& address) const;
    bool contains(const Prefix& other) const;  // equal or more specific, same family
    bool overlaps(const Prefix& other) const { return contains(other) || other.contains(*this); }
    Address first() const { return network_; }
    Address last() const { return network_.with_bits_from(length_, true); }
    // The first and last address a host may carry: without network and broadcast for IPv4 /30 and shorter,
    // without the subnet-router anycast address for IPv6 (RFC 4291 section 2.6.1).
    Address first_usable() const;
    Address last_usable() const;
    // The address that stands for a pod in lookups and walks: the second usable one (".2"), else the first.
    Address sample_pod() const;
    std::string to_string() const;

    auto operator<=>(const Prefix&) const = default;

  private:
    Address network_;
    std::uint8_t length_ = 0;
};

static_assert(sizeof(Address) == 16 && sizeof(Prefix) == 17);

}  // namespace podroute

template <>
struct std::hash<podroute::Address> {
    std::size_t operator()(const podroute::Address& a) const noexcept {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(a.raw().data()), 16});
    }
};
template <>
struct std::hash<podroute::Prefix> {
    std::size_t operator()(const podroute::Prefix& p) const noexcept {
        return std::hash<podroute::Address>{}(p.network()) * 131U + p.length();
    }
};
