// Sightings in order.
#include "engine/places.h"

#include <algorithm>
#include <set>

#include "engine/listening.h"
#include "model/host_links.h"

namespace podroute {

struct Places::Links {
    std::set<std::string> uplinks, bridges;
};

namespace {

const HostId& sender_of(const ProbedFlow& flow, ProbeLeg leg) {
    return leg == ProbeLeg::request ? flow.source.host : flow.destination.host;
}
const HostId& target_of(const ProbedFlow& flow, ProbeLeg leg) {
    return leg == ProbeLeg::request ? flow.destination.host : flow.source.host;
}

bool same_place(const Seen& a, const Seen& b) {
    return a.stage == b.stage && a.host == b.host && a.interface == b.interface;
}

}  // namespace

Places::Places(const Snapshot& snapshot) : snapshot_(snapshot) {}
Places::~Places() = default;

const Places::Links& Places::links(const HostId& name) {
    auto& slot = links_[name];
    if (slot) return *slot;
    slot = std::make_unique<Links>();
    const InventoryHost* host = snapshot_.inventory.find(name);
    const auto facts = snapshot_.hosts.find(name);
    if (host == nullptr || facts == snapshot_.hosts.end() || !facts->second.known()) return *slot;
    for (const Link* uplink : uplinks_of(snapshot_, *host, *facts->second))
        slot->uplinks.insert(uplink->name);
    for (const Prefix& cidr : host->pod_cidrs)
        if (const Link* bridge = bridge_of(*facts->second, cidr)) slot->bridges.insert(bridge->name);
    return *slot;
}

Stage Places::stage_of(const Sighting& sighting, const HostId& sender, const HostId& target) {
    const Links& its = links(sighting.host);
    const bool uplink = its.uplinks.contains(sighting.interface);
    if (sighting.host != sender && sighting.host != target)
        return sighting.leaving ? Stage::other_left : Stage::other_entered;
    const bool bridge = its.bridges.contains(sighting.interface);
    // On one host the two ends share the bridge; the way in is the sender's, and the way out of its pod.
    const bool outward = sighting.interface == kPodLink ? sighting.leaving : !sighting.leaving;
    const bool at_sender = sender == target ? outward : sighting.host == sender;
    if (at_sender) {
        if (uplink) return sighting.leaving ? Stage::sender_uplink : Stage::other_left;
        return bridge ? Stage::sender_bridge : Stage::sender_link;
    }
    if (uplink) return Stage::entered;
    return bridge ? Stage::target_bridge : Stage::target_link;
}

std::vector<Seen> Places::ordered(std::span<const RoundSays> rounds, const ProbedFlow& flow, ProbeLeg leg) {
    const HostId &sender = sender_of(flow, leg), &target = target_of(flow, leg);
    std::vector<Seen> found;
    for (const auto& [result, round] : rounds) {
        for (const Sighting& sighting : result->sightings) {
            if (sighting.leg != leg || sighting.count == 0) continue;
            Seen seen{stage_of(sighting, sender, target), sighting.host, sighting.interface, sighting.leaving,
                      meant_to_die(*result) ? 0 : sighting.count};
            const auto same = std::find_if(found.begin(), found.end(),
                                           [&](const Seen& other) { return same_place(other, seen); });
            if (same != found.end())
                same->count += seen.count;
            else
                found.push_back(std::move(seen));
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Seen& a, const Seen& b) { return a.stage < b.stage; });
    return found;
}

std::vector<Seen> Places::seen(const ProbedFlow& flow, ProbeLeg leg) {
    return ordered(flow.rounds, flow, leg);
}

bool Places::listened(std::span<const RoundSays> rounds, const HostId& host) {
    return std::any_of(rounds.begin(), rounds.end(), [&](const RoundSays& said) {
        return listening(snapshot_.policy, *said.round, host).on_any_of(links(host).uplinks);
    });
}

const std::set<HostId>& Places::deaf_in(const RoundResult& round) {
    const auto [at, added] = deaf_.try_emplace(&round);
    if (!added) return at->second;
    for (const InventoryHost& host : snapshot_.inventory.hosts)
        if (!listening(snapshot_.policy, round, host.name).on_any_of(links(host.name).uplinks))
            at->second.insert(host.name);
    return at->second;
}

std::vector<HostId> Places::deaf_in_all(std::span<const RoundSays> rounds, const HostId& but) {
    std::vector<HostId> deaf;
    for (const HostId& host : deaf_in(*rounds.front().round))
        if (host != but && std::all_of(rounds.begin(), rounds.end(), [&](const RoundSays& said) {
                return deaf_in(*said.round).contains(host);
            }))
            deaf.push_back(host);
    return deaf;
}

// Only captures on the uplink of the host that would have seen it next tell that it did not get there.
Place Places::end_of(const std::vector<Seen>& seen, std::span<const RoundSays> rounds, const ProbedFlow& flow,
                     ProbeLeg leg) {
    const Seen& last = seen.back();
    const auto told_by = [&](PlaceKind kind, const HostId& witness) {
        if (listened(rounds, witness)) return Place{kind, last.host, last.interface};
        return Place{PlaceKind::nowhere, last.host, last.interface, {witness}};
    };
    switch (last.stage) {
        case Stage::sender_link:
        case Stage::sender_bridge:
            return told_by(PlaceKind::inside, sender_of(flow, leg));
        case Stage::sender_uplink: {
            Place end = told_by(PlaceKind::between, target_of(flow, leg));
            if (end.kind == PlaceKind::between) end.deaf = deaf_in_all(rounds, sender_of(flow, leg));
            return end;
        }
        case Stage::other_left:
            return told_by(PlaceKind::elsewhere, target_of(flow, leg));
        case Stage::other_entered:
            return {PlaceKind::elsewhere, last.host, last.interface};
        case Stage::entered:
        case Stage::target_bridge:
        case Stage::target_link:
            break;
    }
    return {PlaceKind::inside, last.host, last.interface};
}

// What left its sender did not end inside of it, nor what was not seen to enter its target, by captures
// there.
std::vector<HostId> Places::maybe_inside(const std::vector<Seen>& seen, std::span<const RoundSays> rounds,
                                         const ProbedFlow& flow, ProbeLeg leg) {
    const HostId &sender = sender_of(flow, leg), &target = target_of(flow, leg);
    std::vector<HostId> maybe;
    if (seen.empty() || seen.back().stage < Stage::sender_uplink) maybe.push_back(sender);
    if (target != sender && !listened(rounds, target)) maybe.push_back(target);
    return maybe;
}

Place Places::end(const std::vector<Seen>& seen, std::span<const RoundSays> rounds, const ProbedFlow& flow,
                  ProbeLeg leg) {
    Place end = seen.empty() ? unanswered(rounds, flow, leg) : end_of(seen, rounds, flow, leg);
    if (end.kind == PlaceKind::nowhere) end.maybe = maybe_inside(seen, rounds, flow, leg);
    if (!seen.empty()) end.leg = leg;
    return end;
}

// What comes to a node's own address arrives as it enters the uplink, before any filter; an answer that never
// leaves was lost inside, and mostly it is the request that was. A pod's own link would have shown it.
Place Places::unanswered(std::span<const RoundSays> rounds, const ProbedFlow& flow, ProbeLeg leg) {
    const HostId& host = flow.destination.host;
    if (leg != ProbeLeg::reply || flow.destination.vantage != Vantage::node) return {};
    const auto request = ordered(rounds, flow, ProbeLeg::request);
    if (request.empty() || request.back().host != host) return {};
    if (!listened(rounds, host)) return {PlaceKind::nowhere, "", "", {host}};
    return {PlaceKind::inside, host, request.back().interface};
}

std::optional<StoppedAt> Places::stopped_at(const ProbedFlow& flow, const ProbeFacts& facts) {
    const ProbeFate fate = flow.fate();
    if (fate == ProbeFate::works || fate == ProbeFate::unknown) return std::nullopt;
    const Place end = place(flow);
    if (end.kind != PlaceKind::nowhere) return StoppedAt{end.host, end.interface, end.leg};
    if (flow.purpose != Purpose::full_size) return std::nullopt;
    const ProbedFlow* small = facts.find(flow.source, flow.destination, flow.protocol);
    if (small == nullptr || small->arrived > 0) return std::nullopt;
    return stopped_at(*small, facts);
}

}  // namespace podroute
