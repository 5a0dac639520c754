// ARP (RFC 826) and neighbour discovery (RFC 4861) by a packet socket (packet(7)).
#include "agent/address_probe.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "model/taken_addresses.h"

namespace podroute::agent {
namespace {

constexpr auto kAnswerTime = std::chrono::milliseconds(20);
constexpr std::size_t kEthernet = 14, kIpv6 = 40;                  // bytes
constexpr std::uint8_t kSolicitation = 135, kAdvertisement = 136;  // types of ICMPv6

using Bytes = std::vector<std::uint8_t>;

tl::unexpected<Error> failed(const std::string& what) {
    return failure("pod-unavailable", what + ": " + std::strerror(errno));
}
tl::unexpected<Error> taken(const Address& address, const std::string& why) {
    return failure("pod-unavailable", address.to_string() + ": " + why, address.to_string());
}

void append(Bytes& out, std::initializer_list<std::uint8_t> bytes) {
    out.insert(out.end(), bytes);
}
void append(Bytes& out, const std::uint8_t* from, std::size_t size) {
    out.insert(out.end(), from, from + size);
}

// Who has ADDRESS? Tell nobody (RFC 5227 section 2.1.1).
Bytes arp_probe(const Address& address, const Mac& own) {
    Bytes out(6, 0xff);
    append(out, own.data(), own.size());
    append(out, {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1});
    append(out, own.data(), own.size());
    append(out, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    append(out, address.wire(), 4);
    return out;
}

// The Internet checksum (RFC 1071) of the pseudo header and payload of an IPv6 packet that starts at `from`.
std::uint16_t icmpv6_checksum(const Bytes& packet, std::size_t from) {
    std::uint32_t sum = static_cast<std::uint32_t>(packet.size() - from - kIpv6) + IPPROTO_ICMPV6;
    for (std::size_t i = from + 8; i < packet.size(); i += 2)
        sum += static_cast<std::uint32_t>(packet[i] << 8U) + (i + 1 < packet.size() ? packet[i + 1] : 0U);
    while ((sum >> 16U) != 0) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum & 0xffffU);
}

// A neighbour solicitation from :: to the solicited-node group of ADDRESS (RFC 4861 section 4.3).
Bytes solicitation(const Address& address, const Mac& own) {
    const auto* a = address.wire();
    Bytes out{0x33, 0x33, 0xff, a[13], a[14], a[15]};
    append(out, own.data(), own.size());
    append(out, {0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, IPPROTO_ICMPV6, 255});
    out.resize(out.size() + 16);
    append(out, {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a[13], a[14], a[15]});
    append(out, {kSolicitation, 0, 0, 0, 0, 0, 0, 0});
    append(out, a, 16);
    const auto sum = icmpv6_checksum(out, kEthernet);
    out[kEthernet + kIpv6 + 2] = static_cast<std::uint8_t>(sum >> 8U);
    out[kEthernet + kIpv6 + 3] = static_cast<std::uint8_t>(sum & 0xffU);
    return out;
}

// The address that a frame says its sender has: of any ARP packet, and of a neighbour advertisement.
std::optional<Address> answered_for(const std::uint8_t* frame, std::size_t size) {
    constexpr std::size_t kArpSender = kEthernet + 14, kTarget = kEthernet + kIpv6 + 8;
    const auto type = size >= kEthernet ? frame[12] << 8 | frame[13] : 0;
    std::optional<Address> out;
    if (type == ETH_P_ARP && size >= kArpSender + 4) {
        if (auto sender = Address::from_bytes(frame + kArpSender, 4)) out = *sender;
    } else if (type == ETH_P_IPV6 && size >= kTarget + 16 && frame[kEthernet + 6] == IPPROTO_ICMPV6 &&
               frame[kEthernet + kIpv6] == kAdvertisement) {
        if (auto target = Address::from_bytes(frame + kTarget, 16)) out = *target;
    }
    return out;
}

// ARP packets and neighbour advertisements only: a busy bridge must not crowd out the answer.
constexpr std::array<sock_filter, 9> kAnswers{{{BPF_LD | BPF_H | BPF_ABS, 0, 0, 12},
                                               {BPF_JMP | BPF_JEQ, 5, 0, ETH_P_ARP},
                                               {BPF_JMP | BPF_JEQ, 0, 5, ETH_P_IPV6},
                                               {BPF_LD | BPF_B | BPF_ABS, 0, 0, kEthernet + 6},
                                               {BPF_JMP | BPF_JEQ, 0, 3, IPPROTO_ICMPV6},
                                               {BPF_LD | BPF_B | BPF_ABS, 0, 0, kEthernet + kIpv6},
                                               {BPF_JMP | BPF_JEQ, 0, 1, kAdvertisement},
                                               {BPF_RET, 0, 0, 256},
                                               {BPF_RET, 0, 0, 0}}};

}  // namespace

std::span<const sock_filter> answers_filter() {
    return kAnswers;
}

Result<AddressProbe> AddressProbe::ask(std::vector<Address> addresses, const Interface& bridge) {
    AddressProbe probe;
    if ((bridge.flags & IFF_UP) == 0 || !bridge.carrier) return probe;
    // Protocol 0: nothing is caught before the filter is in place.
    PacketSocket fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!fd.open()) return failed("no packet socket");
    sockaddr_ll on_bridge{};
    on_bridge.sll_family = AF_PACKET;
    on_bridge.sll_protocol = htons(ETH_P_ALL);
    on_bridge.sll_ifindex = static_cast<int>(bridge.index);
    const int one = 1;
    setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    auto code = kAnswers;
    const sock_fprog program{code.size(), code.data()};
    if (setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        return failed("a filter for answers");
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&on_bridge), sizeof on_bridge) != 0)
        return failed(bridge.name);
    for (const auto& address : addresses) {
        const auto question =
            address.is_v4() ? arp_probe(address, bridge.mac) : solicitation(address, bridge.mac);
        if (send(fd.get(), question.data(), question.size(), 0) < 0)
            return taken(address, std::string("it could not be asked for: ") + std::strerror(errno));
    }
    probe.socket_ = std::move(fd);
    probe.addresses_ = std::move(addresses);
    probe.bridge_ = bridge.name;
    probe.until_ = Clock::now() + kAnswerTime;
    return probe;
}

// What came in time is heard also where nobody looked until later; on a bridge that is full of answers of
// others, not without end. A socket that fails (ENETDOWN: its link went down) has heard nothing.
Result<std::optional<Address>> AddressProbe::next_answer() {
    std::array<std::uint8_t, 256> frame{};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now()).count();
        pollfd p{socket_.get(), POLLIN, 0};
        const int ready = poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
        const ssize_t n = ready > 0 ? recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT) : ready;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return failed("no answers could be heard on " + bridge_);
        const auto address =
            n > 0 ? answered_for(frame.data(), static_cast<std::size_t>(n)) : std::optional<Address>();
        if (address && std::find(addresses_.begin(), addresses_.end(), *address) != addresses_.end())
            return address;
        if (left <= 0 && (ready <= 0 || Clock::now() > until_ + kAnswerTime)) return std::nullopt;
    }
}

Result<void> AddressProbe::not_answered() {
    if (!socket_.open()) return {};
    std::vector<Address> theirs;
    for (;;) {
        const auto address = next_answer();
        if (!address) return tl::unexpected(address.error());
        if (!*address) break;
        theirs.push_back(**address);
        std::erase(addresses_, **address);  // heard once
    }
    socket_.reset();
    if (theirs.empty()) return {};
    auto refusal = taken(theirs.front(), "another answers for it");
    refusal.value().where = where_taken(theirs.front(), theirs);
    return refusal;
}

}  // namespace podroute::agent
