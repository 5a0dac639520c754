// RTM_NEWNEIGH, RTM_DELNEIGH.
#include "agent/neighbour_entry.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "agent/tables.h"

namespace podroute::agent {
namespace {

using Mac = std::array<std::uint8_t, 6>;

std::optional<Mac> parse_mac(const std::string& text) {
    Mac mac{};
    constexpr std::size_t kWidth = 3;  // "aa:"
    if (text.size() != mac.size() * kWidth - 1) return std::nullopt;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char* at = text.data() + i * kWidth;
        const auto [end, error] = std::from_chars(at, at + 2, mac.at(i), 16);
        if (error != std::errc() || end != at + 2) return std::nullopt;
        if (i + 1 < mac.size() && *end != ':') return std::nullopt;
    }
    return mac;
}

ndmsg head_of(const NeighbourObject& object) {
    ndmsg head{};
    head.ndm_family = static_cast<unsigned char>(object.address.is_v4() ? AF_INET : AF_INET6);
    head.ndm_ifindex = static_cast<int>(object.ifindex);
    head.ndm_state = NUD_PERMANENT;
    return head;
}

}  // namespace

Result<Found> read_neighbour(Netlink& netlink, const NeighbourObject& object) {
    const auto table = read_neighbours(netlink, [&](const Address& a) { return a == object.address; });
    if (!table) return tl::unexpected(table.error());
    for (const auto& entry : table->wanted)
        if (entry.ifindex == object.ifindex && entry.permanent()) return Found{State{entry}};
    return Found{};
}

Result<void> write_neighbour(Netlink& netlink, const NeighbourObject& object, const Neighbour* to) {
    const bool remove = to == nullptr || !to->permanent();
    auto message = make_message(remove ? RTM_DELNEIGH : RTM_NEWNEIGH,
                                NLM_F_ACK | (remove ? 0 : NLM_F_CREATE | NLM_F_REPLACE), head_of(object));
    put_address(message.get(), NDA_DST, object.address);
    if (!remove) {
        const auto mac = parse_mac(to->mac);
        if (!mac) return failure("bad-change", "not a link-layer address");
        nla_put(message.get(), NDA_LLADDR, static_cast<int>(mac->size()), mac->data());
    }
    return acknowledged(netlink.request(std::move(message)));
}

}  // namespace podroute::agent
