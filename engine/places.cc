// Sightings in order.
#include "engine/places.h"

#include <algorithm>
#include <set>

#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {

struct Places::Links {
    std::set<std::string> uplinks;
    std::string bridge;
};

namespace {

const HostId& sender_of(const ProbedFlow& flow, ProbeLeg leg) {
    return leg == ProbeLeg::request ? flow.source.host : flow.destination.host;
}
const HostId& target_of(const ProbedFlow& flow, ProbeLeg leg) {
    return leg == ProbeLeg::request ? flow.destination.host : flow.source.host;
}

// Such a packet is meant to die on its way.
bool small_hop_limit(const ProbeResult& result) {
    constexpr std::uint8_t kFarEnough = 32;
    return result.purpose == Purpose::hop_limit && result.hop_limit < kFarEnough;
}

// Gateways of other hosts' routes to the pods of a host: they need not be its inventory address.
std::set<Address> gateways_to(const Snapshot& snapshot, const InventoryHost& owner) {
    std::set<Address> gateways;
    const auto of_owner = [&](const FibAnswer& answer) {
        return std::any_of(owner.pod_cidrs.begin(), owner.pod_cidrs.end(),
                           [&](const Prefix& cidr) { return cidr.contains(answer.query.destination); });
    };
    for (const auto& [name, facts] : snapshot.hosts) {
        if (name == owner.name || !facts.known() || !facts->fib.known()) continue;
        for (const FibAnswer& answer : *facts->fib) {
            if (!of_owner(answer)) continue;
            for (const NextHop& hop : answer.next_hops)
                if (hop.gateway) gateways.insert(*hop.gateway);
        }
    }
    return gateways;
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
    if (!facts->second->links.known()) return *slot;
    const HostRoles found = roles(*facts->second, *host, snapshot_.inventory);
    for (const std::uint32_t uplink : found.uplinks) slot->uplinks.insert(link_name(*facts->second, uplink));
    if (found.pod_bridge) slot->bridge = link_name(*facts->second, *found.pod_bridge);
    if (!facts->second->addresses.known()) return *slot;
    const auto gateways = gateways_to(snapshot_, *host);
    for (const InterfaceAddress& address : *facts->second->addresses)
        if (gateways.contains(address.address) && address.ifindex != found.pod_bridge)
            slot->uplinks.insert(link_name(*facts->second, address.ifindex));
    return *slot;
}

Stage Places::stage_of(const Sighting& sighting, const HostId& sender, const HostId& target) {
    const Links& its = links(sighting.host);
    const bool uplink = its.uplinks.contains(sighting.interface);
    if (sighting.host != sender && sighting.host != target)
        return sighting.leaving ? Stage::other_left : Stage::other_entered;
    const bool bridge = !its.bridge.empty() && sighting.interface == its.bridge;
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

std::vector<Seen> Places::ordered(const std::vector<const ProbeResult*>& results, ProbeLeg leg,
                                  const HostId& sender, const HostId& target) {
    std::vector<Seen> found;
    for (const ProbeResult* result : results) {
        for (const Sighting& sighting : result->sightings) {
            if (sighting.leg != leg || sighting.count == 0) continue;
            Seen seen{stage_of(sighting, sender, target), sighting.host, sighting.interface, sighting.leaving,
                      small_hop_limit(*result) ? 0 : sighting.count};
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
    return ordered(flow.results, leg, sender_of(flow, leg), target_of(flow, leg));
}

// Of a part that is lost: counts compare only within one round, so the one with the most sightings is taken.
// Nothing if it lost none: captures were not there when it happened.
std::vector<Seen> Places::before_the_loss(const ProbedFlow& flow, ProbeLeg leg) {
    std::vector<Seen> best;
    std::uint32_t before = 0;  // how many set out on this leg
    for (const ProbeResult* result : flow.results) {
        if (small_hop_limit(*result)) continue;
        auto found = ordered({result}, leg, sender_of(flow, leg), target_of(flow, leg));
        if (found.size() <= best.size()) continue;
        best = std::move(found);
        before = leg == ProbeLeg::request ? result->sent : result->arrived;
    }
    std::size_t cut = best.size();
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < best.size(); ++i) {
        const std::uint32_t lost = before > best[i].count ? before - best[i].count : 0;
        if (lost > most) {
            most = lost;
            cut = i;
        }
        before = best[i].count;
    }
    if (most == 0) return {};
    best.resize(cut);
    return best;
}

Place Places::end_of(const std::vector<Seen>& seen, bool watched) {
    if (seen.empty()) return {};
    const Seen& last = seen.back();
    Place place{PlaceKind::inside, last.host, last.interface};
    switch (last.stage) {
        case Stage::sender_link:
        case Stage::sender_bridge:
            // Only captures on the uplink can tell that it did not leave.
            if (!watched) place.kind = PlaceKind::nowhere;
            break;
        case Stage::sender_uplink:
            place.kind = watched ? PlaceKind::between : PlaceKind::nowhere;
            break;
        case Stage::other_entered:
        case Stage::other_left:
            place.kind = PlaceKind::elsewhere;
            break;
        case Stage::entered:
        case Stage::target_bridge:
        case Stage::target_link:
            break;
    }
    return place;
}

Place Places::place(const ProbedFlow& flow) {
    const ProbeLeg leg = flow.failed_leg();
    const bool part = flow.fate() == ProbeFate::partly_lost;
    const auto found = part ? before_the_loss(flow, leg) : seen(flow, leg);
    return found.empty() ? unanswered(flow, leg) : end_of(found, flow.watched);
}

// What comes to a node's own address arrives as it enters the uplink, before any filter; an answer that never
// leaves was lost inside, and mostly it is the request that was. A pod's own link would have shown it.
Place Places::unanswered(const ProbedFlow& flow, ProbeLeg leg) {
    if (leg != ProbeLeg::reply || !flow.watched || flow.destination.vantage != Vantage::node) return {};
    const auto request = seen(flow, ProbeLeg::request);
    if (request.empty() || request.back().host != flow.destination.host) return {};
    return {PlaceKind::inside, request.back().host, request.back().interface};
}

std::optional<StoppedAt> Places::stopped_at(const ProbedFlow& flow) {
    const ProbeFate fate = flow.fate();
    if (fate == ProbeFate::works || fate == ProbeFate::unknown) return std::nullopt;
    const ProbeLeg leg = flow.failed_leg();
    const Place end = place(flow);
    if (!end.interface.empty()) return StoppedAt{end.host, end.interface, leg};
    if (leg == ProbeLeg::request) return StoppedAt{flow.source.host, "", leg};
    // The reply was seen nowhere: it stopped where the request arrived.
    const auto request = seen(flow, ProbeLeg::request);
    const bool there = !request.empty() && request.back().host == flow.destination.host;
    return StoppedAt{flow.destination.host, there ? request.back().interface : "", leg};
}

}  // namespace podroute
