// What is lost inside a host without a word: flows of which a part is, and those that share a place with
// others.
#include <algorithm>
#include <array>

#include "engine/filter_chains.h"
#include "engine/packet_causes.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::uint32_t kMostLost = 4;  // less than one of so many passes

}  // namespace

void PacketCauses::add_partly_lost(const ProbedFlow& flow, bool certain, const std::string& check_id) {
    const Place place = place_of(flow);
    if (certain && flow.is_pair()) ++explained_;
    if (place.kind == PlaceKind::inside)
        add_inside(flow, InsideLoss::Kind::part, certain, place, check_id);
    else if (place.kind == PlaceKind::nowhere)
        unplaced_.push_back({&flow, false, certain, check_id, place});
    else
        between_.add_part(flow, certain, place, check_id);
}

void PacketCauses::add_inside(const ProbedFlow& flow, InsideLoss::Kind kind, bool certain, const Place& place,
                              const std::string& check_id) {
    inside_.push_back({&flow, kind, certain, check_id, place, places_.passage(flow, place.host)});
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

void PacketCauses::take_drop(const InsideLoss& loss) {
    if (add_own_address(loss)) return;
    if (PacketFault* said = no_way_at(loss.place, *loss.flow))
        faults_.count(*said, *loss.flow, loss.check_id, true);
    else
        add_drop(*loss.flow, loss.place, loss.check_id);
}

void PacketCauses::weigh_parts() {
    for (const InsideLoss& loss : inside_) {
        if (loss.kind != InsideLoss::Kind::part) continue;
        Parts& parts = parts_[loss.place.host];
        parts.passage.came += loss.passage.came;
        parts.passage.left += loss.passage.left;
        parts.rules = parts.rules || has_rules(snapshot_, *loss.flow, loss.place.host);
    }
}

// A host that has rules and loses most of what comes does so by its rules, such as a limit; else a part of it
// may be lost by anything.
PacketFault& PacketCauses::part_at(const InsideLoss& loss) {
    const HostId& host = loss.place.host;
    const auto& [passage, rules] = parts_.at(host);
    if (rules && passage.left < passage.came / kMostLost) {
        PacketFault& made = faults_.at("firewall-drop", host, "");
        if (made.cause.summary.empty())
            made.cause.summary =
                "the firewall of " + host + " drops most packets: they enter it and few leave";
        add_policies(made, *loss.flow);
        return made;
    }
    PacketFault& made = faults_.at("packet-loss", host, "");
    if (made.flows == 0) made.cause.severity = Severity::warning;
    if (loss.certain) made.cause.severity = Severity::error;
    made.cause.summary = host + " loses a part of the packets";
    made.cause.commands = {on_host(host, "ip -s link show")};
    if (rules)
        made.cause.commands.insert(made.cause.commands.begin(),
                                   {on_host(host, "nft list ruleset"), on_host(host, "iptables-save -c")});
    return made;
}

void PacketCauses::take_part(const InsideLoss& loss) {
    PacketFault* drop = drop_at(loss.place);
    faults_.count(drop != nullptr ? *drop : part_at(loss), *loss.flow, loss.check_id, loss.failed());
}

void PacketCauses::take_inside() {
    using Kind = InsideLoss::Kind;
    join_by_chance(inside_);
    weigh_parts();
    for (const Kind kind : {Kind::all, Kind::echo, Kind::part})
        for (const InsideLoss& loss : inside_) {
            if (loss.kind != kind) continue;
            if (kind == Kind::all)
                take_drop(loss);
            else if (kind == Kind::echo)
                faults_.count(filtered_entry(*loss.flow), *loss.flow, loss.check_id, loss.failed());
            else
                take_part(loss);
        }
    inside_.clear();
}

// One that drops or loses packets inside of a host that the flow's may have ended in. All of a flow is lost
// there where nothing that goes the same way passes, or as chance has it at that rate.
PacketFault* PacketCauses::fault_that_may(const Unplaced& loss, const std::set<Crossing>& passed_ways) {
    const auto fits = [&](const PacketFault& made) {
        const Cause& cause = made.cause;
        const auto& maybe = loss.place.maybe;
        if (made.no_way || std::find(maybe.begin(), maybe.end(), cause.host) == maybe.end()) return false;
        if (cause.code != "firewall-drop" && cause.code != "host-drop" && cause.code != "packet-loss")
            return false;
        if (!loss.all) return true;
        if (made.passage.left > 0) return taken_by_chance(std::array{made.passage, passage_of(*loss.flow)});
        const auto way = crossings_at(*loss.flow, cause.host);
        return std::none_of(way.begin(), way.end(),
                            [&](const Crossing& crossing) { return passed_ways.contains(crossing); });
    };
    PacketFault* best = nullptr;
    for (PacketFault& made : faults_.all())
        if (fits(made) && (best == nullptr || made.flows > best->flows)) best = &made;
    return best;
}

void PacketCauses::take_unplaced(bool all) {
    if (unplaced_.empty()) return;
    const auto passed_ways = passed(facts_);
    for (const Unplaced& loss : unplaced_) {
        if (loss.all != all) continue;
        if (PacketFault* made = fault_that_may(loss, passed_ways)) {
            faults_.count(*made, *loss.flow, loss.check_id, loss.certain && loss.flow->is_pair());
            if (all) ++explained_;
        } else if (all) {
            add_unexplained(*loss.flow, loss.check_id);
        } else {
            between_.add_part(*loss.flow, loss.certain, loss.place, loss.check_id);
        }
    }
}

}  // namespace podroute
