// RTM_GETNEXTHOP.
#include "agent/nexthops.h"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <cstring>

namespace podroute::agent {

Result<NextHopObjects::Object> NextHopObjects::ask(std::uint32_t id) {
    auto message = make_message(RTM_GETNEXTHOP, 0, nhmsg{});
    nla_put_u32(message.get(), NHA_ID, id);
    Object object;
    const auto answered = netlink_.request(std::move(message), [&](const nlmsghdr& h) {
        if (h.nlmsg_type != RTM_NEWNEXTHOP) return;
        const auto* head = static_cast<const nhmsg*>(nlmsg_data(&h));
        const auto a = attributes<NHA_MAX + 1>(h, sizeof *head);
        object.leg = {address_of(a[NHA_GATEWAY]), u32_of(a[NHA_OIF]),
                      static_cast<std::uint8_t>(head->nh_flags & 0xff), 1};
        if (a[NHA_GROUP] == nullptr) return;
        const auto* members = static_cast<const nexthop_grp*>(nla_data(a[NHA_GROUP]));
        const auto count = static_cast<std::size_t>(nla_len(a[NHA_GROUP])) / sizeof *members;
        for (std::size_t i = 0; i < count; ++i)
            object.members.emplace_back(members[i].id, static_cast<std::uint16_t>(members[i].weight + 1));
    });
    if (answered.error != 0)
        return failure("netlink", "next hop object " + std::to_string(id) + ": " + strerror(answered.error));
    return object;
}

Result<std::vector<NextHop>> NextHopObjects::legs(std::uint32_t id) {
    if (const auto at = known_.find(id); at != known_.end()) return at->second;
    const auto object = ask(id);
    if (!object) return tl::unexpected(object.error());
    std::vector<NextHop> legs;
    if (object->members.empty()) legs.push_back(object->leg);
    for (const auto& [member, weight] : object->members) {
        auto leg = ask(member);  // the kernel refuses groups of groups
        if (!leg) return tl::unexpected(leg.error());
        leg->leg.weight = weight;
        legs.push_back(leg->leg);
    }
    return known_[id] = std::move(legs);
}

}  // namespace podroute::agent
