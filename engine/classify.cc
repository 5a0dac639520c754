// The route class of faults.md: samples are looked up, judged, and the first class that fits is taken.
#include "engine/classify.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <unordered_map>

#include "engine/causes.h"
#include "engine/route_text.h"
#include "engine/samples.h"

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolKernel = 2;
constexpr std::size_t kMaxFurther = 4;

bool is_down(const Link& link) {
    return !link.admin_up() || (!link.carrier && link.kind != "bridge");
}

// One host, prepared for many CIDRs.
struct HostContext {
    const HostFacts& facts;
    const InventoryHost& host;
    Fib fib;
    HostRoles host_roles;
    Neighbours neighbours;
    std::unordered_map<Address, const FibAnswer*> kernel;  // output answers by destination

    HostContext(const Snapshot& snapshot, const HostFacts& host_facts, const InventoryHost& inventory_host)
        : facts(host_facts),
          host(inventory_host),
          fib(facts),
          host_roles(roles(facts, host, snapshot.inventory)),
          neighbours(facts, snapshot, host.name) {
        if (facts.fib.known()) add_answers(*facts.fib);
        for (const RoundResult& round : snapshot.rounds) {
            const auto at = round.hosts.find(host.name);
            if (at != round.hosts.end() && at->second.known()) add_answers(at->second->lookups);
        }
    }

    void add_answers(const std::vector<FibAnswer>& answers) {
        for (const FibAnswer& answer : answers)
            if (answer.query == output_query(answer.query.destination))
                kernel[answer.query.destination] = &answer;
    }

    const Link* link(std::uint32_t index) const { return find_link(facts, index); }
    bool is_uplink(std::uint32_t index) const {
        return std::find(host_roles.uplinks.begin(), host_roles.uplinks.end(), index) !=
               host_roles.uplinks.end();
    }
    // The link by which a route to `next_hop` would leave: the one whose network holds it, else an uplink.
    std::uint32_t link_towards(const Address& next_hop) const {
        if (facts.addresses.known())
            for (const InterfaceAddress& address : *facts.addresses)
                if (address.network().contains(next_hop) && is_uplink(address.ifindex))
                    return address.ifindex;
        return host_roles.uplinks.empty() ? 0 : host_roles.uplinks.front();
    }
};

bool same_hops(const std::vector<NextHop>& a, const std::vector<NextHop>& b) {
    const auto keys = [](const std::vector<NextHop>& hops) {
        std::multiset<std::pair<std::uint32_t, std::optional<Address>>> set;
        for (const NextHop& hop : hops) set.emplace(hop.ifindex, hop.gateway);
        return set;
    };
    return keys(a) == keys(b);
}

bool same_answer(const FibAnswer& a, const FibAnswer& b) {
    if (a.error != 0 || b.error != 0) return a.error == b.error;
    const bool tables = a.table == 0 || b.table == 0 || same_table(a.table, b.table);
    const bool same_match = !a.matched || !b.matched || a.matched == b.matched;
    return a.type == b.type && tables && same_match && same_hops(a.next_hops, b.next_hops);
}

// The kernel's word over ours where they differ.
FibMatch kernel_match(const FibAnswer& answer, const FibMatch& ours, const HostFacts& facts) {
    FibMatch match;
    match.answer = answer;
    if (answer.table != 0 && ours.rule != nullptr && ours.rule->table == answer.table) match.rule = ours.rule;
    for (const Route& route : *facts.routes) {
        if (answer.matched && route.destination == *answer.matched && route.type == answer.type &&
            (answer.table == 0 || same_table(route.table, answer.table)) &&
            same_hops(route.next_hops, answer.next_hops))
            match.route = &route;
    }
    return match;
}

class Judge {
  public:
    // `fib`: the host's tables, under the remedies that the case names as mended.
    Judge(const HostContext& host, const Fib& fib, RouteCase& route_case)
        : host_(host), fib_(fib), case_(route_case) {}

    void sample_all() {
        const auto sources = sources_of_packets();
        for (const Stretch& stretch : fib_.stretches(cidr())) {
            const auto usable = usable_sample(stretch, cidr());
            const Address address = usable.value_or(stretch.first);
            FibQuery query = output_query(address);
            add(stretch, usable.has_value(), false, query);
            for (const Address& source : sources) {
                query.source = source;
                query.iif = has_pods() ? pod_link() : "";
                add(stretch, usable.has_value(), true, query);
            }
        }
    }

  private:
    const Prefix& cidr() const { return case_.expected.pod_cidr; }

    bool has_pods() const { return !host_.host.pod_cidrs.empty(); }

    // Pods of the host, as many as its policy rules tell apart; of a host without pods, itself as it answers.
    std::vector<Address> sources_of_packets() const {
        std::vector<Address> sources;
        for (const Prefix& own : host_.host.pod_cidrs)
            if (own.family() == cidr().family())
                for (const Address& pod : fib_.source_samples(own)) sources.push_back(pod);
        const auto node = host_.host.address(cidr().family());
        if (!has_pods() && node) sources.push_back(*node);
        return sources;
    }
    std::string pod_link() const {
        const auto bridge = host_.host_roles.pod_bridge;
        return bridge ? link_name(host_.facts, *bridge) : "lo";
    }

    void add(const Stretch& stretch, bool usable, bool forwarded, const FibQuery& query) {
        SampleFate sample;
        sample.stretch = stretch;
        sample.usable = usable;
        sample.forwarded = forwarded;
        sample.match = fib_.lookup(query);
        const auto kernel = host_.kernel.find(query.destination);
        const bool asked = case_.mended.empty() && kernel != host_.kernel.end();
        if (!forwarded && asked) correct(sample, *kernel->second);
        judge(sample);
        case_.samples.push_back(std::move(sample));
    }

    // The kernel answers as if an IPv6 route were not there while the neighbour entry of its gateway is
    // failed (rt6_check_neigh(), net/ipv6/route.c). The gateway is the fault then, not the route.
    bool passed_over(const FibAnswer& ours) const {
        constexpr std::uint16_t kFailed = 32;
        return !ours.query.destination.is_v4() &&
               std::any_of(ours.next_hops.begin(), ours.next_hops.end(), [&](const NextHop& hop) {
                   const Neighbour* entry =
                       hop.gateway ? host_.neighbours.entry(*hop.gateway, hop.ifindex) : nullptr;
                   return entry != nullptr && (entry->state & kFailed) != 0;
               });
    }

    void correct(SampleFate& sample, const FibAnswer& kernel) {
        // The kernel takes an IPv4 lookup that names no protocol for UDP's (inet_rtm_getroute()).
        FibQuery as_asked = kernel.query;
        if (as_asked.destination.is_v4()) as_asked.ip_proto = 17;
        const FibAnswer ours = fib_.lookup(as_asked).answer;
        if (same_answer(ours, kernel) || passed_over(ours)) return;
        case_.evidence.push_back("for " + kernel.query.destination.to_string() + " the kernel answers " +
                                 answer_text(kernel, host_.facts) + ", where its tables say " +
                                 answer_text(sample.match.answer, host_.facts));
        sample.match = kernel_match(kernel, sample.match, host_.facts);
    }

    void judge(SampleFate& sample) {
        sample.fate = fate_of(sample.match, sample.leg);
        if (sample.fate == Fate::wrong_gateway || sample.fate == Fate::blackhole) look_for_better(sample);
        const bool bad =
            sample.fate != Fate::right && sample.fate != Fate::covered && sample.fate != Fate::unknown;
        if (bad && not_by_main(sample.match)) compare_with_main(sample);
    }

    // What a rule keeps from table main: were that right, the rule is at fault; is it wrong in a way of its
    // own where the other table holds nothing for the network, that comes first, and the rule behind it.
    void compare_with_main(SampleFate& sample) const {
        LegResult leg;
        const FibMatch main = fib_.lookup_in(kTableMain, sample.match.answer.query);
        const Fate fate = fate_of(main, leg);
        if (fate == Fate::right || fate == Fate::covered) {
            sample.fate = Fate::diverted;
        } else if (sample.fate == Fate::missing && (fate == Fate::blackhole || fate == Fate::wrong_gateway)) {
            sample.match = main;
            sample.fate = fate;
            sample.leg = leg;
            look_for_better(sample);
        }
    }

    Fate fate_of(const FibMatch& match, LegResult& leg) const {
        const FibAnswer& answer = match.answer;
        if (!answer.matched) return Fate::missing;
        const bool shorter = answer.matched->length() < cidr().length();
        if (answer.matched->is_default()) return Fate::missing;
        if (answer.type != RouteType::unicast) return shorter ? Fate::missing : Fate::blackhole;
        leg = judge_legs(answer.next_hops, host_.facts, case_.owner);
        if (leg.judgement == LegJudgement::unknown) return Fate::unknown;
        if (leg.judgement == LegJudgement::right) return shorter ? Fate::covered : Fate::right;
        return shorter ? Fate::missing : Fate::wrong_gateway;
    }

    // Of a route that is not right: is there a right one that it wins over?
    void look_for_better(SampleFate& sample) const {
        const Route* winner = sample.match.route;
        if (winner == nullptr) return;
        sample.winners_over = {winner};
        std::vector<const Route*> rivals = fib_.candidates(winner->table, sample.match.answer.query);
        if (winner->table == kTableLocal) {
            const auto main = fib_.candidates(kTableMain, sample.match.answer.query);
            rivals.insert(rivals.end(), main.begin(), main.end());
        }
        std::vector<const Route*> over;
        for (const Route* rival : rivals) {
            if (is_right(*rival)) {
                sample.better = rival;
                break;
            }
            over.push_back(rival);
        }
        const bool connected = winner->protocol == kProtocolKernel &&
                               std::none_of(winner->next_hops.begin(), winner->next_hops.end(),
                                            [](const NextHop& hop) { return hop.gateway.has_value(); });
        if (sample.better == nullptr && !connected) return;
        if (sample.better != nullptr) sample.winners_over = over;
        // Behind a connected network: what the next look, with that network away, will find.
        sample.covered_below = std::any_of(rivals.begin(), rivals.end(), [&](const Route* rival) {
            return rival != winner && rival->destination.length() >= cidr().length() &&
                   rival->protocol != kProtocolKernel;
        });
        sample.fate = Fate::shadowed;
    }

    bool is_right(const Route& route) const {
        return route.type == RouteType::unicast && !route.destination.is_default() &&
               judge_legs(route.next_hops, host_.facts, case_.owner).judgement == LegJudgement::right;
    }

    static bool not_by_main(const FibMatch& match) {
        if (match.rule == nullptr) return true;
        const bool to_table = match.rule->action == 1;
        return !to_table || (match.rule->table != kTableMain && match.rule->table != kTableLocal);
    }

    const HostContext& host_;
    const Fib& fib_;
    RouteCase& case_;
};

const SampleFate* first_with(const RouteCase& c, Fate fate) {
    for (const SampleFate& sample : c.samples)
        if (sample.usable && sample.fate == fate) return &sample;
    return nullptr;
}

// The link that stands in the way, null if none does: one that a next hop leaves by, or, where nothing right
// was found, the one that a right route would leave by (its routes went with it).
const Link* down_link(const HostContext& host, const RouteCase& c) {
    bool all_right = true;
    for (const SampleFate& sample : c.samples) {
        if (sample.fate != Fate::right && sample.fate != Fate::covered) all_right = false;
        if (sample.match.answer.type != RouteType::unicast) continue;
        for (const NextHop& hop : sample.match.answer.next_hops) {
            const Link* link = host.link(hop.ifindex);
            if (link != nullptr && host.is_uplink(hop.ifindex) && is_down(*link)) return link;
        }
    }
    const Link* uplink = host.link(c.uplink);
    return !all_right && uplink != nullptr && is_down(*uplink) ? uplink : nullptr;
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
            result.cause = unresolved_cause(c, hop);
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

void judge_samples(const HostContext& host, const RouteCase& whole, Classification& result) {
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

bool is_neighbour(RouteClass c) {
    return c == RouteClass::neighbour_wrong || c == RouteClass::gateway_unresolved;
}

// Two rules that divert the same packets are one cause with two remedies: its id tells no more.
void add_further(Classification& result, Cause cause) {
    Cause* same = result.cause->code == cause.code ? &*result.cause : nullptr;
    for (Cause& other : result.further)
        if (other.code == cause.code) same = &other;
    if (same == nullptr) return result.further.push_back(std::move(cause));
    const auto append = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    append(same->evidence, cause.evidence);
    append(same->remedy, cause.remedy);
    append(same->commands, cause.commands);
    same->automatic = std::max(same->automatic, cause.automatic);  // never is the most
}

// The case that is left when the causes so far are mended: as long as it is wrong, there is another. Where
// the kernel contradicts its own tables (evidence), they do not tell.
void look_behind(const HostContext& host, RouteCase c, Classification& result) {
    if (!result.cause || !c.evidence.empty() || is_neighbour(result.route_class)) return;
    std::vector<HostChange> remedy = result.cause->remedy;
    for (std::size_t round = 0; round < kMaxFurther && !remedy.empty(); ++round) {
        for (const HostChange& change : remedy) c.mended.push_back(change.change);
        c.samples.clear();
        const Fib mended = host.fib.with(c.mended);
        Judge(host, mended, c).sample_all();
        Classification behind;
        judge_samples(host, c, behind);
        if (!behind.cause) return;
        remedy = behind.cause->remedy;
        add_further(result, std::move(*behind.cause));
        if (is_neighbour(behind.route_class)) return;
    }
}

Classification unknown(const ExpectedRoute& expected, const std::string& why, const std::string& code) {
    Classification result;
    result.expected = expected.pod_cidr.to_string() + " via " + expected.next_hop.to_string();
    result.why = why;
    result.blocked_by = code;
    return result;
}

}  // namespace

struct Classifier::Impl {
    const Snapshot& snapshot;
    std::set<Prefix> overlapping;
    std::map<HostId, std::unique_ptr<HostContext>> hosts;
    std::map<HostId, OwnerAddresses> owners;

    explicit Impl(const Snapshot& s) : snapshot(s) {
        for (const Overlap& overlap : expect(snapshot.inventory).overlaps) {
            overlapping.insert(overlap.first);
            if (!overlap.covers_node) overlapping.insert(overlap.second);
        }
    }

    const HostContext& context(const HostFacts& facts, const InventoryHost& host) {
        auto& slot = hosts[host.name];
        if (!slot) slot = std::make_unique<HostContext>(snapshot, facts, host);
        return *slot;
    }
    const OwnerAddresses& addresses_of(const InventoryHost& owner) {
        const auto at = owners.find(owner.name);
        return at != owners.end() ? at->second
                                  : owners.emplace(owner.name, OwnerAddresses(snapshot, owner)).first->second;
    }
};

Classifier::Classifier(const Snapshot& snapshot) : impl_(std::make_unique<Impl>(snapshot)) {}
Classifier::~Classifier() = default;

Classification Classifier::classify(const ExpectedRoute& expected) {
    if (impl_->overlapping.contains(expected.pod_cidr))
        return unknown(expected, "the pod CIDR overlaps another network of the inventory",
                       "inventory-overlap");
    const auto facts = impl_->snapshot.hosts.find(expected.host);
    const InventoryHost* host = impl_->snapshot.inventory.find(expected.host);
    const InventoryHost* owner = impl_->snapshot.inventory.find(expected.owner);
    if (facts == impl_->snapshot.hosts.end() || host == nullptr || owner == nullptr)
        return unknown(expected, "the facts of " + expected.host + " were not read", "");
    if (!facts->second.known())
        return unknown(expected, facts->second.unknown().why, facts->second.unknown().code);
    const HostContext& context = impl_->context(*facts->second, *host);
    if (!context.fib.known()) return unknown(expected, "the routing tables could not be read", "");

    Classification result = unknown(expected, "", "");
    RouteCase c{impl_->snapshot, expected, context.facts, impl_->addresses_of(*owner), 0, {}, {}, {}};
    c.uplink = context.link_towards(expected.next_hop);
    Judge(context, context.fib, c).sample_all();
    if (const Link* link = down_link(context, c)) {
        result.route_class = RouteClass::link_down;
        result.why = link->name + " is down";
        result.observed = result.why;
        result.blocked_by = "link-down";
        return result;
    }
    judge_samples(context, c, result);
    look_behind(context, c, result);
    return result;
}

Classification classify(const Snapshot& snapshot, const ExpectedRoute& expected) {
    return Classifier(snapshot).classify(expected);
}

}  // namespace podroute
