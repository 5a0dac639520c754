// Of a route with several next hops, one that leads nowhere while another delivers.
#include <algorithm>

#include "engine/packet_causes.h"
#include "engine/packet_words.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

bool same_way(const ProbedFlow& leg, const HostId& from, const HostId& to, Family family) {
    return leg.source.host == from && leg.destination.host == to && leg.source.address.family() == family;
}

}  // namespace

// What a pair lost between the same two hosts took that next hop, as far as anybody can tell.
const ProbedFlow* PacketCauses::dead_next_hop(const ProbedFlow& flow) {
    const bool request = flow.failed_leg() == ProbeLeg::request;
    const HostId& from = request ? flow.source.host : flow.destination.host;
    const HostId& to = request ? flow.destination.host : flow.source.host;
    const ProbedFlow* dead = flow.next_hop ? &flow : nullptr;
    bool another_delivers = false;
    for (const ProbedFlow& leg : facts_.next_hops) {
        if (!same_way(leg, from, to, flow.source.address.family())) continue;
        if (leg.heard() > 0) another_delivers = true;
        if (dead == nullptr && leg.fate() == ProbeFate::request_lost &&
            places_.place(leg).kind == PlaceKind::between)
            dead = &leg;
    }
    return another_delivers ? dead : nullptr;
}

bool PacketCauses::add_dead_next_hop(const ProbedFlow& flow, const std::string& check_id) {
    const ProbedFlow* leg = dead_next_hop(flow);
    if (leg == nullptr) return false;
    const HostId &from = leg->source.host, &to = leg->destination.host;
    const Address& gateway = *leg->next_hop;
    const std::string ip = gateway.is_v4() ? "ip " : "ip -6 ";
    const std::string networks = networks_text(snapshot_.inventory, to, leg->source.address.family());
    PacketFault& made = faults_.at("fabric-drop", "", networks + " via " + gateway.to_string());
    if (made.cause.summary.empty()) {
        made.cause.summary = "what " + from + " sends to the pods of " + to + " by way of " +
                             gateway.to_string() + " enters no host; another next hop delivers";
        made.cause.commands = {on_host(from, ip + "route show " + networks),
                               on_host(from, ip + "neigh show " + gateway.to_string())};
    }
    faults_.count(made, flow, check_id, true);
    ++explained_;
    return true;
}

}  // namespace podroute
