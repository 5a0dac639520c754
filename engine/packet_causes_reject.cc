// Somebody said no: a firewall in its own words, or a kernel that knows no way.
#include "engine/carrier.h"
#include "engine/cloud.h"
#include "engine/packet_causes.h"
#include "engine/packet_words.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::uint8_t kFirstHopLimit = 64;  // what Linux gives a packet of its own

// A reset in the target's name that came too short a way: 64 was sent here, 63 by the target's host. Nothing
// if it does not tell, or there was none.
HostId forger(const ProbedFlow& flow) {
    for (const Objection& objection : flow.objections) {
        if (!objection.reset || flow.source.vantage != Vantage::pod) continue;
        if (objection.ttl == kFirstHopLimit) return flow.source.host;
        if (objection.ttl == kFirstHopLimit - 1) return flow.destination.host;
    }
    return {};
}

// The last one that is no target's own.
const Objection* refused_by(const ProbedFlow& flow) {
    const Objection* last = nullptr;
    for (const Objection& objection : flow.objections)
        if (unreachable(objection, flow.source.address.family()) &&
            objection.from != flow.destination.address)
            last = &objection;
    return last;
}

// Only these tell of a neighbour that did not answer.
bool of_neighbour(const Objection& objection) {
    return objection.code == (objection.from.is_v4() ? 1 : 3);
}

}  // namespace

// Whoever said no is named, whatever the captures show. What is no host of the inventory, or whose packets
// entered none, is the network between them: that is told with what it drops in silence.
bool PacketCauses::add_reject(const ProbedFlow& flow, const Place& place, const std::string& check_id) {
    const bool known_place = place.kind == PlaceKind::inside;
    const bool outside = place.kind == PlaceKind::between || place.kind == PlaceKind::elsewhere;
    const Objection* refusal = refused_by(flow);
    HostId host;
    if (refusal != nullptr) {
        host = carrier(snapshot_, flow, refusal->from);
    } else {
        const bool forged = flow.fate() == ProbeFate::answered_unseen && flow.protocol == Protocol::tcp;
        if (!forged || outside) return false;
        host = known_place ? place.host : forger(flow);
    }
    if (host.empty() && outside) return false;
    if (host.empty() && known_place) host = place.host;
    const bool no_way = refusal != nullptr && knows_no_way(*refusal);
    if (host.empty()) {
        PacketFault& made = faults_.at("fabric-drop", "", no_way ? "unreachable" : "rejected");
        made.cause.summary = no_way ? "a router between the hosts knows no way for packets of pods"
                                    : "something between the hosts rejects packets of pods";
        made.cause.commands = {filter_command(cloud_of(snapshot_))};
        faults_.count(made, flow, check_id, true);
    } else if (no_way) {
        add_no_way(flow, host, *refusal, place, check_id);
    } else {
        PacketFault& made = faults_.at("firewall-drop", host, "");
        made.cause.summary = "the firewall of " + host + " rejects packets of pods";
        add_drop_at(made, place, flow, check_id);
    }
    ++explained_;
    return true;
}

std::optional<Address> PacketCauses::next_hop_of(const ProbedFlow& flow) {
    const bool request = flow.failed_leg() == ProbeLeg::request;
    const Endpoint &from = request ? flow.source : flow.destination,
                   &to = request ? flow.destination : flow.source;
    if (const auto asked = gateways_.of(from.host, from, to.address)) return asked;
    const InventoryHost* peer = snapshot_.inventory.find(to.host);
    return peer != nullptr ? peer->address(to.address.family()) : std::nullopt;
}

// The host's own tables have a way (or they would explain it): the next hop did not answer at that moment, or
// something that was not read says no in the words of a router.
void PacketCauses::add_no_way(const ProbedFlow& flow, const HostId& host, const Objection& said,
                              const Place& place, const std::string& check_id) {
    const auto next_hop = next_hop_of(flow);
    if (host == flow.source.host && !flow.same_host() && of_neighbour(said) && next_hop) {
        const std::string address = next_hop->to_string();
        PacketFault& made = faults_.at("gateway-unresolved", host, address);
        made.cause.summary = host + " got no answer when it asked who has " + address;
        made.cause.commands = {
            on_host(host, (said.from.is_v4() ? "ip neigh show " : "ip -6 neigh show ") + address)};
        made.no_way = true;
        return add_drop_at(made, place, flow, check_id);
    }
    PacketFault& made = faults_.at("host-drop", host, "");
    if (made.cause.summary.empty())
        made.cause.summary =
            host + " says that it knows no way for packets of pods, though its tables have one";
    made.no_way = true;
    add_drop_at(made, place, flow, check_id);
}

}  // namespace podroute
