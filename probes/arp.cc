// Questions and answers by libtins.
#include "probes/arp.h"

#include <tins/arp.h>
#include <tins/ethernetII.h>
#include <tins/icmpv6.h>
#include <tins/ipv6.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <memory>

#include "probes/filter.h"

namespace podroute {
namespace {

using Mac = Tins::HWAddress<6>;

constexpr std::size_t kEthernetHeader = 14;  // bytes
constexpr std::uint16_t kArp = 0x0806, kIpv6 = 0x86dd;
constexpr std::uint8_t kOwnLinkOnly = 255;  // hop limit

std::uint16_t ether_type(std::span<const std::uint8_t> frame) {
    return static_cast<std::uint16_t>(frame[12] << 8 | frame[13]);
}

Address address_of(const Tins::IPv4Address& address) {
    return *Address::parse(address.to_string());
}
std::optional<Address> address_of(const Tins::IPv6Address& address) {
    // A mapped IPv4 address is refused: none belongs on a wire.
    const auto parsed = Address::parse(address.to_string());
    return parsed ? std::optional(*parsed) : std::nullopt;
}

// 33:33 and the last four bytes of the group (RFC 2464 section 7).
Mac group_mac(const Address& group) {
    const auto& b = group.raw();
    const std::array<std::uint8_t, 6> bytes{0x33, 0x33, b[12], b[13], b[14], b[15]};
    return Mac(bytes.data());
}

// ff02::1:ffXX:XXXX (RFC 4291 section 2.7.1).
Address solicited_node(const Address& target) {
    const auto& b = target.raw();
    return Address::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, b[13], b[14], b[15]});
}

std::vector<std::uint8_t> craft_arp(const std::string& mac, const Address& source, const Address& target,
                                    const std::string& holder) {
    Tins::ARP arp(Tins::IPv4Address(target.to_string()), Tins::IPv4Address(source.to_string()), Mac(),
                  Mac(mac));
    arp.opcode(Tins::ARP::REQUEST);
    const Mac to = holder.empty() ? Mac(Mac::broadcast) : Mac(holder);
    Tins::EthernetII frame = Tins::EthernetII(to, Mac(mac)) / arp;
    return frame.serialize();
}

std::vector<std::uint8_t> craft_solicitation(const std::string& mac, const Address& source,
                                             const Address& target, const std::string& holder) {
    const Address to = holder.empty() ? solicited_node(target) : target;
    Tins::IPv6 ip(Tins::IPv6Address(to.to_string()), Tins::IPv6Address(source.to_string()));
    ip.hop_limit(kOwnLinkOnly);
    Tins::ICMPv6 icmp(Tins::ICMPv6::NEIGHBOUR_SOLICIT);
    icmp.target_addr(Tins::IPv6Address(target.to_string()));
    icmp.source_link_layer_addr(Mac(mac));
    Tins::EthernetII frame =
        Tins::EthernetII(holder.empty() ? group_mac(to) : Mac(holder), Mac(mac)) / ip / icmp;
    return frame.serialize();
}

std::optional<NeighbourAnswer> answer(const std::optional<Address>& address, const Mac& mac) {
    const bool group = (mac[0] & 1U) != 0;
    if (!address || group || mac == Mac()) return std::nullopt;
    return NeighbourAnswer{*address, mac.to_string()};
}

// The bytes as a frame whose payload is ARP or ICMPv6 as asked for; null if they are none. libtins throws on
// what it cannot read.
std::unique_ptr<Tins::EthernetII> parse(std::span<const std::uint8_t> bytes) {
    const auto frame = as_kept(bytes);
    if (frame.size() < kEthernetHeader) return nullptr;
    // Other protocols are not handed to the parser at all.
    if (ether_type(frame) != kArp && ether_type(frame) != kIpv6) return nullptr;
    try {
        return std::make_unique<Tins::EthernetII>(frame.data(), static_cast<std::uint32_t>(frame.size()));
    } catch (const std::exception&) {
        return nullptr;
    }
}

const Tins::ICMPv6* discovery(const Tins::EthernetII& frame, Tins::ICMPv6::Types type) {
    const auto* ip = frame.find_pdu<Tins::IPv6>();
    const auto* icmp = frame.find_pdu<Tins::ICMPv6>();
    const bool fits =
        ip != nullptr && icmp != nullptr && ip->hop_limit() == kOwnLinkOnly && icmp->type() == type;
    return fits ? icmp : nullptr;
}

const Tins::ARP* ethernet_arp(const Tins::EthernetII& frame, Tins::ARP::Flags opcode) {
    const auto* arp = frame.find_pdu<Tins::ARP>();
    const bool fits = arp != nullptr && arp->opcode() == opcode && arp->hw_addr_format() == 1 &&
                      arp->prot_addr_format() == 0x0800 && arp->hw_addr_length() == 6 &&
                      arp->prot_addr_length() == 4;
    return fits ? arp : nullptr;
}

}  // namespace

bool valid_mac(std::string_view mac) {
    if (mac.size() != 17) return false;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const auto c = static_cast<unsigned char>(mac[i]);
        if (i % 3 == 2 ? c != ':' : std::isxdigit(c) == 0) return false;
    }
    return true;
}

Result<std::vector<std::uint8_t>> craft_question(const std::string& mac, const Address& source,
                                                 const Address& target, const std::string& holder) {
    if (!valid_mac(mac)) return failure("bad-question", "the link has no Ethernet address");
    if (!holder.empty() && !valid_mac(holder))
        return failure("bad-question", "who holds it has no Ethernet address");
    if (source.family() != target.family())
        return failure("bad-question", "source and target are of two families");
    try {
        return target.is_v4() ? craft_arp(mac, source, target, holder)
                              : craft_solicitation(mac, source, target, holder);
    } catch (const std::exception& e) {
        return failure("bad-question", e.what());
    }
}

std::optional<Address> read_question(std::span<const std::uint8_t> bytes) {
    const auto frame = parse(bytes);
    if (!frame) return std::nullopt;
    if (const auto* arp = ethernet_arp(*frame, Tins::ARP::REQUEST)) return address_of(arp->target_ip_addr());
    if (const auto* icmp = discovery(*frame, Tins::ICMPv6::NEIGHBOUR_SOLICIT))
        return address_of(icmp->target_addr());
    return std::nullopt;
}

std::optional<NeighbourAnswer> read_answer(std::span<const std::uint8_t> bytes) {
    const auto frame = parse(bytes);
    if (!frame) return std::nullopt;
    if (const auto* arp = ethernet_arp(*frame, Tins::ARP::REPLY))
        return answer(address_of(arp->sender_ip_addr()), arp->sender_hw_addr());
    const auto* icmp = discovery(*frame, Tins::ICMPv6::NEIGHBOUR_ADVERT);
    if (icmp == nullptr) return std::nullopt;
    Mac mac = frame->src_addr();
    try {
        // The option may be left out of an answer to a unicast question only (RFC 4861 section 4.4).
        if (icmp->search_option(Tins::ICMPv6::TARGET_ADDRESS) != nullptr)
            mac = icmp->target_link_layer_addr();
    } catch (const std::exception&) {
        return std::nullopt;
    }
    return answer(address_of(icmp->target_addr()), mac);
}

}  // namespace podroute
