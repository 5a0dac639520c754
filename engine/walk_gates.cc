// Settings of the link that a packet came in by.
#include "engine/walk_gates.h"

#include <algorithm>

#include "engine/legs.h"
#include "engine/route_text.h"

namespace podroute {

std::optional<Halt> forwarding_halt(const WalkHost& host, std::uint32_t iif, Family family) {
    using Forwarding = LinkSettings::Forwarding;
    if (iif == kOutput) return std::nullopt;
    const LinkSettings& settings = host.settings(iif);
    const bool v4 = family == Family::v4;
    const Forwarding forwarding = v4 ? settings.ipv4 : settings.ipv6;
    const std::string& reason = v4 ? settings.ipv4_reason : settings.ipv6_reason;
    if (forwarding == Forwarding::on) return std::nullopt;
    if (forwarding == Forwarding::unknown) return Halt{false, reason};
    return Halt{true, reason, "forwarding-disabled"};
}

std::optional<Halt> source_halt(const WalkHost& host, std::uint32_t iif, const std::string& oif,
                                const Endpoint& source, const Address& destination) {
    if (iif == kOutput || iif == kFutureLink || !destination.is_v4()) return std::nullopt;
    const LinkSettings& settings = host.settings(iif);
    FibQuery back = output_query(source.address);
    back.source = destination;
    back.iif = oif;
    const FibMatch match = host.fib().lookup(back);
    if (match.answer.error == 0 && match.answer.type != RouteType::unicast)
        return Halt{true, "its source is taken for a " + type_name(match.answer.type) + " address",
                    source.vantage == Vantage::pod ? "route-shadowed" : "address-duplicate"};
    if (settings.rp_filter == 0) return std::nullopt;
    if (settings.rp_filter < 0) return Halt{false, "rp_filter was not read"};
    const auto& hops = match.answer.next_hops;
    const bool found = match.answer.error == 0;
    const bool same_link = found && std::any_of(hops.begin(), hops.end(),
                                                [&](const NextHop& hop) { return hop.ifindex == iif; });
    if (same_link || (found && settings.rp_filter >= 2)) return std::nullopt;
    return Halt{true, "dropped by reverse path filter on " + settings.name, "rp-filter-drop"};
}

}  // namespace podroute
