// One entry for each fault; flows are counted into it.
#include "engine/packet_causes.h"

#include <algorithm>
#include <cerrno>

#include "engine/filter_chains.h"
#include "engine/packet_words.h"
#include "engine/route_text.h"

namespace podroute {

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

void PacketCauses::add(const ProbedFlow& flow, Finding finding, const std::string& check_id,
                       const std::vector<HostId>& way) {
    if (way.size() > 2 && !flow.next_hop) ways_.emplace(&flow, way);
    switch (finding) {
        case Finding::rewritten:
            return add_rewritten(flow, check_id);
        case Finding::few_lost:
        case Finding::many_lost:
            return add_partly_lost(flow, finding == Finding::many_lost, check_id);
        case Finding::filtered:
            return add_filtered(flow, check_id);
        case Finding::lost:
            if (flow.protocol != Protocol::icmp || flow.purpose != Purpose::verdict)
                return add_lost(flow, check_id);
            echoes_.emplace_back(&flow, check_id);
            return;
        case Finding::fine:
        case Finding::unknown:
            return;
    }
}

void PacketCauses::add_lost(const ProbedFlow& flow, const std::string& check_id) {
    // What no filter refused, the tables did, and no table that was read says why.
    if (flow.fate() == ProbeFate::not_sent && flow.refusal() != EPERM) return add_unexplained(flow, check_id);
    const Place place = place_of(flow);
    if (somebody_else_answers(flow)) return add_led_astray(flow, place, check_id);
    if (add_reject(flow, place, check_id)) return;
    if (add_answers_astray(flow, check_id)) return;
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
            between_.add_dropped(flow, place.host, next_on_the_way(flow, place.host), check_id);
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

// A network that forwards by addresses, and not by the MAC that the sender asked for, knows no third host.
HostId PacketCauses::next_on_the_way(const ProbedFlow& flow, const HostId& host) {
    const auto way = ways_.find(&flow);
    if (way == ways_.end()) return flow.target();
    const auto at = std::find(way->second.begin(), way->second.end(), host);
    if (at == way->second.end() || at + 1 == way->second.end()) return flow.target();
    return gateways_.on_link(host, *(at + 1)) ? *(at + 1) : flow.target();
}

Place PacketCauses::place_of(const ProbedFlow& flow) {
    Place place = places_.place(flow);
    const auto way = ways_.find(&flow);
    if (way == ways_.end()) return place;
    const auto& hosts = way->second;
    if (place.kind == PlaceKind::elsewhere &&
        std::find(hosts.begin(), hosts.end(), place.host) != hosts.end()) {
        const auto seen = places_.seen(flow, flow.failed_leg());
        const bool left = !seen.empty() && seen.back().stage == Stage::other_left;
        place.kind = left ? PlaceKind::between : PlaceKind::inside;
    }
    if (place.kind != PlaceKind::between) return place;
    const HostId next = next_on_the_way(flow, place.host);
    const bool deaf = std::find(place.deaf.begin(), place.deaf.end(), next) != place.deaf.end();
    if (next != flow.target() && deaf) {
        place.kind = PlaceKind::nowhere;
        place.deaf = {next};
    }
    return place;
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
    const Place place = place_of(flow);
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
    take_echoes();
    take_inside();
    // What is known to be lost in part, wherever it is, comes before what is lost altogether.
    take_unplaced(false);
    between_.take(faults_);
    take_unplaced(true);
    faults_.settle();
}

}  // namespace podroute
