// Lookup by lookup, in user space, held against what the kernel answered.
#include "engine/sample_fates.h"

#include <algorithm>
#include <set>

#include "engine/route_text.h"
#include "engine/samples.h"

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolKernel = 2;

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

class Sampling {
  public:
    Sampling(const HostContext& host, const Fib& fib, RouteCase& route_case)
        : host_(host), fib_(fib), case_(route_case) {}

    void run() {
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

}  // namespace

void sample_fates(const HostContext& host, const Fib& fib, RouteCase& route_case) {
    Sampling(host, fib, route_case).run();
}

}  // namespace podroute
