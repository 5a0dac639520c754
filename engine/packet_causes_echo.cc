// Echo that is filtered, while TCP passes.
#include <algorithm>

#include "engine/carrier.h"
#include "engine/packet_causes.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

const std::string kEcho = "icmp echo";

}  // namespace

// Empty: between the hosts. Nothing if nobody knows where.
std::optional<HostId> PacketCauses::filter_of(const ProbedFlow& echo) {
    const Place place = place_of(echo);
    std::optional<HostId> host;
    if (place.kind == PlaceKind::inside) host = place.host;
    if (place.kind == PlaceKind::between) host = HostId{};
    for (const Objection& objection : echo.objections)
        if (unreachable(objection, echo.source.address.family()))
            host = carrier(snapshot_, echo, objection.from);
    return host;
}

// Echo that is lost where others show that echo is filtered while TCP passes, and the TCP of its own pair is
// lost elsewhere.
void PacketCauses::take_echoes() {
    std::set<HostId> filters;
    for (const InsideLoss& loss : inside_)
        if (loss.kind == InsideLoss::Kind::echo) filters.insert(loss.place.host);
    for (const auto& [echo, check_id] : echoes_) {
        const auto host = filter_of(*echo);
        const ProbedFlow* tcp = facts_.find(echo->source, echo->destination, Protocol::tcp);
        const bool elsewhere = tcp != nullptr && tcp->fate() != ProbeFate::unknown && filter_of(*tcp) != host;
        const bool filtered =
            host && (filters.contains(*host) || faults_.find("icmp-filtered", *host, kEcho) != nullptr);
        if (!filtered || !elsewhere) {
            add_lost(*echo, check_id);
            continue;
        }
        ++explained_;
        if (const Place place = place_of(*echo); place.kind == PlaceKind::inside && place.host == *host)
            add_inside(*echo, InsideLoss::Kind::echo, true, place, check_id);
        else
            faults_.count(filtered_entry(*echo), *echo, check_id, true);
    }
    echoes_.clear();
}

PacketFault& PacketCauses::filtered_entry(const ProbedFlow& echo) {
    const HostId host = filter_of(echo).value_or(HostId{});
    PacketFault& made = faults_.at("icmp-filtered", host, kEcho);
    if (!made.cause.summary.empty()) return made;
    made.cause.severity = Severity::warning;
    made.cause.summary = (host.empty() ? std::string("something between the hosts") : host) +
                         " filters ICMP echo, while TCP passes";
    if (!host.empty())
        made.cause.commands = {on_host(host, "iptables-save -c"), on_host(host, "nft list ruleset")};
    return made;
}

void PacketCauses::add_filtered(const ProbedFlow& flow, const std::string& check_id) {
    const Place place = place_of(flow);
    const bool said = std::any_of(flow.objections.begin(), flow.objections.end(), [&](const Objection& o) {
        return unreachable(o, flow.source.address.family());
    });
    if (place.kind == PlaceKind::inside && !said)
        add_inside(flow, InsideLoss::Kind::echo, false, place, check_id);
    else
        faults_.count(filtered_entry(flow), flow, check_id, false);
}

}  // namespace podroute
