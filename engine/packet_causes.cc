// One entry for each fault; flows are counted into it.
#include "engine/packet_causes.h"

#include <algorithm>
#include <cerrno>

#include "engine/carrier.h"
#include "engine/filter_chains.h"
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

PacketCauses::PacketCauses(const Snapshot& snapshot, const ProbeFacts& facts, Places& places)
    : snapshot_(snapshot),
      facts_(facts),
      places_(places),
      gateways_(snapshot),
      faults_(snapshot, facts, places),
      between_(snapshot, facts, places) {}

void PacketCauses::add_policies(PacketFault& drop, const ProbedFlow& flow) const {
    auto& lines = drop.cause.evidence;
    for (const FilterChain* chain : chains_on_the_way(snapshot_, flow, drop.cause.host)) {
        if (!chain->drops || lines.size() >= PacketFaults::kMaxLines) continue;
        std::string line = "policy of chain " + chain->name + ", table " + chain->table + ": drop";
        if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(std::move(line));
    }
}

void PacketCauses::add(const ProbedFlow& flow, Finding finding, const std::string& check_id) {
    switch (finding) {
        case Finding::rewritten:
            return add_rewritten(flow, check_id);
        case Finding::few_lost:
        case Finding::many_lost:
            return add_partly_lost(flow, finding == Finding::many_lost, check_id);
        case Finding::filtered:
            return add_filtered(flow, check_id);
        case Finding::lost:
            return add_lost(flow, check_id);
        case Finding::fine:
        case Finding::unknown:
            return;
    }
}

void PacketCauses::add_lost(const ProbedFlow& flow, const std::string& check_id) {
    // What no filter refused, the tables did, and no table that was read says why.
    if (flow.fate() == ProbeFate::not_sent && flow.refusal() != EPERM) return add_unexplained(flow, check_id);
    const Place place = places_.place(flow);
    if (somebody_else_answers(flow)) return add_led_astray(flow, place, check_id);
    if (add_reject(flow, place, check_id)) return;
    switch (place.kind) {
        case PlaceKind::inside:
            add_inside(flow, InsideLoss::Kind::all, true, place, check_id);
            ++explained_;
            return;
        case PlaceKind::elsewhere:
            between_.add_misrouted(flow, place.host, check_id);
            ++explained_;
            return;
        case PlaceKind::between:
            if (add_dead_next_hop(flow, check_id)) return;
            between_.add_dropped(flow, check_id);
            ++explained_;
            return;
        case PlaceKind::nowhere:
            unplaced_.push_back({&flow, true, true, check_id, place});
    }
}

void PacketCauses::add_drop_at(PacketFault& drop, const Place& place, const ProbedFlow& flow,
                               const std::string& check_id) {
    if (place.kind == PlaceKind::inside && place.host == drop.cause.host)
        drop.drops_at.insert(place.interface);
    for (Crossing& crossing : crossings_at(flow, drop.cause.host)) drop.stops.insert(std::move(crossing));
    faults_.count(drop, flow, check_id, true);
}

void PacketCauses::add_drop(const ProbedFlow& flow, const Place& place, const std::string& check_id) {
    const HostId& host = place.host;
    const bool refused = flow.fate() == ProbeFate::not_sent;  // which a filter alone does in this way
    const bool rules = refused || has_rules(snapshot_, flow, host);
    PacketFault& made = faults_.at(rules ? "firewall-drop" : "host-drop", host, "");
    if (made.cause.summary.empty())
        made.cause.summary =
            refused ? "the firewall of " + host + " drops packets that it sends itself"
            : rules ? "the firewall of " + host + " drops packets: they enter it and do not leave"
                    : "packets vanish inside " + host + ", and no firewall rule can be shown";
    if (rules) add_policies(made, flow);
    add_drop_at(made, place, flow, check_id);
}

void PacketCauses::add_rewritten(const ProbedFlow& flow, const std::string& check_id) {
    const HostId found = carrier(snapshot_, flow, *flow.source_seen);
    const HostId host = found.empty() ? flow.source.host : found;
    std::string subject = flow.source.address.to_string();
    if (flow.source.vantage == Vantage::pod)
        subject = networks_text(snapshot_.inventory, flow.source.host, flow.source.address.family());
    PacketFault& made = faults_.at("nat-rewritten", host, subject);
    made.cause.severity = Severity::warning;
    made.cause.summary =
        host + " rewrites the source of packets from " + subject + " to " + flow.source_seen->to_string();
    made.cause.commands = {on_host(host, "iptables-save -t nat"), on_host(host, "nft list ruleset")};
    faults_.count(made, flow, check_id, false);
}

// By a DNAT rule or a proxy of the host that they were last seen to enter, or start from.
void PacketCauses::add_led_astray(const ProbedFlow& flow, const Place& place, const std::string& check_id) {
    if (place.kind != PlaceKind::inside) return add_unexplained(flow, check_id);
    std::string subject = flow.destination.address.to_string();
    if (flow.destination.vantage == Vantage::pod)
        subject =
            networks_text(snapshot_.inventory, flow.destination.host, flow.destination.address.family());
    PacketFault& made = faults_.at("nat-rewritten", place.host, "to " + subject);
    made.cause.summary =
        place.host + " leads packets to " + subject + " elsewhere, and somebody else answers";
    made.cause.commands = {on_host(place.host, "iptables-save -t nat"),
                           on_host(place.host, "nft list ruleset")};
    faults_.count(made, flow, check_id, true);
    ++explained_;
}

PacketFault& PacketCauses::filtered_entry(const ProbedFlow& echo) {
    const Place place = places_.place(echo);
    HostId host = place.kind == PlaceKind::inside ? place.host : HostId{};
    for (const Objection& objection : echo.objections)
        if (unreachable(objection, echo.source.address.family()))
            host = carrier(snapshot_, echo, objection.from);
    PacketFault& made = faults_.at("icmp-filtered", host, "icmp echo");
    if (!made.cause.summary.empty()) return made;
    made.cause.severity = Severity::warning;
    made.cause.summary = (host.empty() ? std::string("something between the hosts") : host) +
                         " filters ICMP echo, while TCP passes";
    if (!host.empty())
        made.cause.commands = {on_host(host, "iptables-save -c"), on_host(host, "nft list ruleset")};
    return made;
}

void PacketCauses::add_filtered(const ProbedFlow& flow, const std::string& check_id) {
    const Place place = places_.place(flow);
    const bool said = std::any_of(flow.objections.begin(), flow.objections.end(), [&](const Objection& o) {
        return unreachable(o, flow.source.address.family());
    });
    if (place.kind == PlaceKind::inside && !said)
        add_inside(flow, InsideLoss::Kind::echo, false, place, check_id);
    else
        faults_.count(filtered_entry(flow), flow, check_id, false);
}

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
    const Place place = places_.place(flow);
    if (echo != nullptr) {
        add_silent_size(*echo, sizes, check_id);
        // What takes the echo may take the large ones as well; what is elsewhere does not.
        const Place filter = places_.place(*echo);
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

void PacketCauses::add_detour(const ProbedFlow& flow, const std::vector<HostId>& hosts,
                              const std::string& check_id) {
    for (const HostId& host : hosts) {
        PacketFault& made = faults_.at("path-unexpected", host, "transit");
        made.cause.severity = Severity::warning;
        made.cause.summary = "packets between pods of other hosts pass " + host;
        faults_.count(made, flow, check_id, false);
    }
}

void PacketCauses::add_unexplained(const ProbedFlow& flow, const std::string& check_id) {
    const Place place = places_.place(flow);
    const bool reply = flow.failed_leg() == ProbeLeg::reply;
    PacketFault& made = faults_.at("unexplained", place.kind == PlaceKind::inside ? place.host : HostId{},
                                   reply ? "reply" : "request");
    made.cause.summary = std::string(reply ? "replies" : "requests") +
                         " are lost, and nothing that was read or captured predicts it";
    PacketFaults::add_deaf(made, place);
    faults_.count(made, flow, check_id, true);
}

std::vector<Diagnosis> PacketCauses::take() {
    return faults_.take();
}

void PacketCauses::settle() {
    take_inside();
    take_unplaced();
    faults_.settle();
}

}  // namespace podroute
