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

const std::string kEcho = "icmp echo";

bool all_addresses_read(const Snapshot& snapshot) {
    return std::all_of(
        snapshot.inventory.hosts.begin(), snapshot.inventory.hosts.end(), [&](const InventoryHost& host) {
            const auto facts = snapshot.hosts.find(host.name);
            return facts != snapshot.hosts.end() && facts->second.known() && facts->second->addresses.known();
        });
}

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

PacketFault& PacketCauses::rewritten_entry(const ProbedFlow& flow, const HostId& host, const Address& to) {
    std::string subject = flow.source.address.to_string();
    if (flow.source.vantage == Vantage::pod)
        subject = networks_text(snapshot_.inventory, flow.source.host, flow.source.address.family());
    PacketFault& made = faults_.at("nat-rewritten", host, subject);
    if (!made.cause.summary.empty()) return made;
    made.cause.severity = Severity::warning;
    made.cause.summary = host + " rewrites the source of packets from " + subject + " to " + to.to_string();
    made.cause.commands = {on_host(host, "iptables-save -t nat"), on_host(host, "nft list ruleset")};
    return made;
}

void PacketCauses::add_rewritten(const ProbedFlow& flow, const std::string& check_id) {
    const HostId found = carrier(snapshot_, flow, *flow.source_seen);
    const HostId host = found.empty() ? flow.source.host : found;
    faults_.count(rewritten_entry(flow, host, *flow.source_seen), flow, check_id, false);
}

// Of the hosts that the packets passed, the first that translates sources. Empty if none does, or if the new
// source is of one of them: answers find back to that.
HostId PacketCauses::rewriter_of(const ProbedFlow& flow) {
    std::vector<HostId> passed{flow.source.host};
    for (const Seen& at : places_.seen(flow, ProbeLeg::request))
        if (at.stage == Stage::other_left) passed.push_back(at.host);
    passed.push_back(flow.destination.host);
    const HostId owner = carrier(snapshot_, flow, *flow.source_seen);
    if (owner.empty() ? !all_addresses_read(snapshot_)
                      : std::find(passed.begin(), passed.end(), owner) != passed.end())
        return {};
    const auto at = std::find_if(passed.begin(), passed.end(), [&](const HostId& host) {
        return translates_sources(snapshot_, host, flow.source.address.family());
    });
    return at == passed.end() ? HostId{} : *at;
}

// Answers go to the address that the target saw: if no host has it that the packets passed, they are lost,
// wherever that shows.
bool PacketCauses::add_answers_astray(const ProbedFlow& flow, const std::string& check_id) {
    if (!flow.source_seen || flow.fate() != ProbeFate::reply_lost) return false;
    const HostId host = rewriter_of(flow);
    if (host.empty()) return false;
    const Address& to = *flow.source_seen;
    PacketFault& made = rewritten_entry(flow, host, to);
    if (made.cause.severity != Severity::error) {
        const HostId owner = carrier(snapshot_, flow, to);
        made.cause.severity = Severity::error;
        made.cause.summary = host + " rewrites the source of packets from " + made.cause.subject + " to " +
                             to.to_string() + ", which " +
                             (owner.empty() ? "no host is known to have" : owner + " has") +
                             ": answers do not come back";
    }
    astray_[{flow.source.host, to.family(), flow.protocol}].push_back({to, host});
    faults_.count(made, flow, check_id, true);
    ++explained_;
    return true;
}

// A kernel takes no packet that comes from an address of its own (a martian): to the host that has the new
// source they do not arrive at all.
bool PacketCauses::add_own_address(const InsideLoss& loss) {
    const ProbedFlow& flow = *loss.flow;
    const auto found = astray_.find({flow.source.host, flow.source.address.family(), flow.protocol});
    if (found == astray_.end() || flow.failed_leg() != ProbeLeg::request) return false;
    const auto at = std::find_if(found->second.begin(), found->second.end(), [&](const Astray& one) {
        return carrier(snapshot_, flow, one.to) == loss.place.host;
    });
    if (at == found->second.end()) return false;
    faults_.count(rewritten_entry(flow, at->rewriter, at->to), flow, loss.check_id, loss.failed());
    return true;
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
    if (faults_.find("icmp-filtered", "", kEcho) != nullptr) filters.insert("");
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
    take_echoes();
    take_inside();
    take_unplaced();
    faults_.settle();
}

}  // namespace podroute
