// What the host itself would do comes before what rules make of its pods' packets, routes before neighbours.
#include "engine/sample_class.h"

#include <algorithm>
#include <set>

#include "engine/route_text.h"

namespace podroute {
namespace {

bool is_down(const Link& link) {
    return !link.admin_up() || (!link.carrier && link.kind != "bridge");
}

const SampleFate* first_with(const RouteCase& c, Fate fate) {
    for (const SampleFate& sample : c.samples)
        if (sample.usable && sample.fate == fate) return &sample;
    return nullptr;
}

void judge_neighbours(const HostContext& host, const RouteCase& c, Classification& result) {
    std::set<std::pair<Address, std::uint32_t>> seen;
    for (const SampleFate& sample : c.samples) {
        for (const NextHop& hop : sample.match.answer.next_hops) {
            if (!hop.gateway || !seen.emplace(*hop.gateway, hop.ifindex).second) continue;
            const NeighbourState state = host.neighbours.state(*hop.gateway, hop.ifindex);
            const Neighbour* entry = host.neighbours.entry(*hop.gateway, hop.ifindex);
            if (state.wrong && entry != nullptr) {
                result.route_class = RouteClass::neighbour_wrong;
                result.cause = neighbour_wrong_cause(c, hop, *entry, state);
                result.observed = hop.gateway->to_string() + " lladdr " + state.entry_mac +
                                  " PERMANENT, answered by " + state.answer_mac;
                return;
            }
            if (!state.unresolved || result.cause) continue;
            if (c.owner.unread != nullptr) {
                result.note =
                    hop.gateway->to_string() + " does not answer; " + c.expected.owner + " was not read";
                continue;
            }
            result.route_class = RouteClass::gateway_unresolved;
            result.cause = unresolved_cause(c, hop, state);
            result.observed =
                hop.gateway->to_string() + " dev " + link_name(host.facts, hop.ifindex) + " does not answer";
        }
    }
}

struct ClassOfFate {
    Fate fate;
    RouteClass route_class;
    Cause (*cause)(const RouteCase&);
};

bool is_wrong(const SampleFate& sample) {
    return sample.usable && sample.fate != Fate::right && sample.fate != Fate::covered &&
           sample.fate != Fate::unknown;
}

// What the host itself would do comes first; what rules make of packets with a source only where that is
// right: two faults are not taken for one. Nothing if nothing is wrong.
std::optional<RouteCase> wrong_part(const RouteCase& whole) {
    const auto wrong = std::find_if(whole.samples.begin(), whole.samples.end(), is_wrong);
    if (wrong == whole.samples.end()) return std::nullopt;
    const bool by_itself = std::any_of(wrong, whole.samples.end(), [](const SampleFate& sample) {
        return !sample.forwarded && is_wrong(sample);
    });
    RouteCase part = whole;
    std::erase_if(part.samples, [&](const SampleFate& s) { return s.forwarded == by_itself; });
    return part;
}

// Which packets, where it is not all that pods send.
std::string source_text(const SampleFate& sample, const RouteCase& c) {
    const auto& source = sample.match.answer.query.source;
    if (!sample.forwarded || !source) return "";
    const InventoryHost* host = c.snapshot.inventory.find(c.expected.host);
    const bool all =
        host != nullptr && std::any_of(host->pod_cidrs.begin(), host->pod_cidrs.end(),
                                       [&](const Prefix& p) { return p.sample_pod() == *source; });
    return all ? "" : ", for packets from " + source->to_string();
}

}  // namespace

const Link* down_link(const HostContext& host, const RouteCase& route_case) {
    bool all_right = true;
    for (const SampleFate& sample : route_case.samples) {
        if (sample.fate != Fate::right && sample.fate != Fate::covered) all_right = false;
        if (sample.match.answer.type != RouteType::unicast) continue;
        for (const NextHop& hop : sample.match.answer.next_hops) {
            const Link* link = host.link(hop.ifindex);
            if (link != nullptr && host.is_uplink(hop.ifindex) && is_down(*link)) return link;
        }
    }
    const Link* uplink = host.link(route_case.uplink);
    return !all_right && uplink != nullptr && is_down(*uplink) ? uplink : nullptr;
}

void classify_samples(const HostContext& host, const RouteCase& whole, Classification& result) {
    const auto part = wrong_part(whole);
    const RouteCase& c = part ? *part : whole;
    static constexpr ClassOfFate kOrder[] = {
        {Fate::diverted, RouteClass::rule_diverted, diverted_cause},
        {Fate::missing, RouteClass::missing, missing_cause},
        {Fate::shadowed, RouteClass::shadowed, shadowed_cause},
        {Fate::blackhole, RouteClass::blackhole,
         [](const RouteCase& r) { return replaced_cause(r, Fate::blackhole); }},
        {Fate::wrong_gateway, RouteClass::wrong_gateway,
         [](const RouteCase& r) { return replaced_cause(r, Fate::wrong_gateway); }},
    };
    for (const ClassOfFate& candidate : kOrder) {
        const SampleFate* sample = first_with(c, candidate.fate);
        if (sample == nullptr) continue;
        result.route_class = candidate.route_class;
        result.observed = found_text(*sample, c);
        const bool some = std::any_of(c.samples.begin(), c.samples.end(), [](const SampleFate& s) {
            return s.usable && s.fate != Fate::missing;
        });
        if (candidate.fate == Fate::missing && some) {
            result.route_class = RouteClass::partial;
            result.observed += " for a part, from " + sample->stretch.first.to_string();
            result.cause = partial_cause(c);
        } else {
            result.cause = candidate.cause(c);
        }
        result.observed += source_text(*sample, c);
        return;
    }
    if (const SampleFate* sample = first_with(c, Fate::unknown)) {
        result.why = found_text(*sample, c) + ": " + sample->leg.why;
        result.observed = found_text(*sample, c);
        result.blocked_by = sample->leg.blocked_by;
        return;
    }
    result.route_class = RouteClass::right;
    if (!c.samples.empty()) result.observed = found_text(c.samples.front(), c);
    if (const SampleFate* sample = first_with(c, Fate::covered))
        result.note = "by the covering route " + sample->match.answer.matched->to_string();
    judge_neighbours(host, c, result);
}

}  // namespace podroute
