// Large packets that are lost for their size.
#include "engine/packet_causes.h"
#include "engine/packet_words.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

// "1500 bytes are lost, 1400 bytes pass"
std::string size_text(const FullSize& sizes) {
    std::string text = std::to_string(sizes.largest->size) + " bytes are lost";
    if (sizes.passing != nullptr) text += ", " + std::to_string(sizes.passing->size) + " bytes pass";
    if (sizes.named_mtu != 0) text += ", a router asked for " + std::to_string(sizes.named_mtu);
    return text;
}

}  // namespace

// Where echo is filtered, so is what would say which size passes: connections open, and hang.
void PacketCauses::add_silent_size(const ProbedFlow& echo, const FullSize& sizes,
                                   const std::string& check_id) {
    PacketFault& made = filtered_entry(echo);
    if (made.cause.severity != Severity::error) {
        made.cause.severity = Severity::error;
        made.cause.summary += "; large packets vanish, and no ICMP names a size that passes";
        made.cause.evidence.push_back(flow_name(snapshot_.inventory, *sizes.largest) + "   " +
                                      faults_.line(*sizes.largest) + "; " + size_text(sizes));
    }
    made.affects.push_back(check_id);
}

void PacketCauses::add_full_size(const FullSize& sizes, const std::string& check_id) {
    const ProbedFlow& flow = *sizes.largest;
    const ProbedFlow* echo = flow.protocol == Protocol::tcp
                                 ? facts_.either_way(flow.source, flow.destination, Protocol::icmp)
                                 : nullptr;
    const Place place = place_of(flow);
    if (echo != nullptr) {
        add_silent_size(*echo, sizes, check_id);
        // What takes the echo may take the large ones as well; what is elsewhere does not.
        const Place filter = place_of(*echo);
        const bool same = place.kind == filter.kind && place.leg == filter.leg && place.host == filter.host &&
                          place.interface == filter.interface;
        if (same || place.kind == PlaceKind::nowhere) return;
    }
    std::string more = size_text(sizes);
    if (place.kind != PlaceKind::inside) {
        between_.add_large(flow, std::move(more), place, check_id);
        return;
    }
    // Its own packets come in by one link and do not leave by the other, which is the one that is too small.
    const bool leaving = place.host == flow.sender();
    PacketFault& made = faults_.at("mtu-mismatch", place.host, leaving ? "uplink" : place.interface);
    made.cause.summary = "large packets are lost inside " + place.host;
    made.cause.commands = {
        on_host(place.host, leaving ? "ip link show" : "ip link show dev " + place.interface)};
    faults_.count(made, flow, check_id, false, more);
}

}  // namespace podroute
