// What is lost inside a host without a word: flows of which a part is, and those that share a place with
// others.
#include <algorithm>

#include "engine/packet_causes.h"
#include "engine/route_text.h"

namespace podroute {

void PacketCauses::add_partly_lost(const ProbedFlow& flow, bool certain, const std::string& check_id) {
    const Place place = places_.place(flow);
    if (certain && flow.is_pair()) ++explained_;
    if (place.kind == PlaceKind::inside)
        parts_.push_back({&flow, certain, check_id, place});
    else
        between_.add_part(flow, certain, place, check_id);
}

// A kernel that knows no way says so to the sender of a packet: of a reply that is the pod that answers, and
// nobody asks it.
PacketFault* PacketCauses::no_way_at(const Place& place, const ProbedFlow& flow) {
    const auto next_hop = next_hop_of(flow);
    const auto at = std::find_if(faults_.all().begin(), faults_.all().end(), [&](const PacketFault& made) {
        if (!made.no_way || made.cause.host != place.host || !made.drops_at.contains(place.interface))
            return false;
        return made.cause.subject.empty() || (next_hop && made.cause.subject == next_hop->to_string());
    });
    return at == faults_.all().end() ? nullptr : &*at;
}

void PacketCauses::take_drops() {
    for (const Part& drop : drops_) {
        if (add_own_address(drop)) continue;
        if (PacketFault* said = no_way_at(drop.place, *drop.flow))
            faults_.count(*said, *drop.flow, drop.check_id, true);
        else
            add_drop(*drop.flow, drop.place, drop.check_id);
    }
    drops_.clear();
}

// What drops all of one flow may let some packets of another pass: one that drops whatever belongs to a known
// connection, or a limit. At the same place if there is such a one, else a filter of the same host: one rule
// may be met on the way in and on the way out.
PacketFault* PacketCauses::drop_at(const Place& place) {
    PacketFault* filter = nullptr;
    for (PacketFault& made : faults_.all()) {
        if (made.cause.host != place.host) continue;
        if (made.drops_at.contains(place.interface)) return &made;
        if (made.cause.code == "firewall-drop") filter = &made;
    }
    return filter;
}

void PacketCauses::take_parts() {
    for (const Part& part : parts_) {
        const HostId& host = part.place.host;
        const bool failed = part.certain && part.flow->is_pair();
        if (PacketFault* drop = drop_at(part.place)) {
            faults_.count(*drop, *part.flow, part.check_id, failed);
            continue;
        }
        PacketFault& made = faults_.at("packet-loss", host, "");
        if (made.flows == 0) made.cause.severity = Severity::warning;
        if (part.certain) made.cause.severity = Severity::error;
        made.cause.summary = host + " loses a part of the packets";
        made.cause.commands = {on_host(host, "ip -s link show")};
        faults_.count(made, *part.flow, part.check_id, failed);
    }
    parts_.clear();
}

}  // namespace podroute
