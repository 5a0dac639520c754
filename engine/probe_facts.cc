// Folds the results of all rounds. Counts add up; nothing is taken back by a later round.
#include "engine/probe_facts.h"

#include <algorithm>
#include <array>

#include "engine/listening.h"

namespace podroute {
namespace {

// The last two tell sizes and next hops apart, where they matter.
using Key = std::tuple<Endpoint, Endpoint, Protocol, std::uint32_t, Address>;

void note_round(ProbedFlow& flow, const Policy& policy, const RoundSays& said) {
    flow.rounds.push_back(said);
    flow.watched = flow.watched || (listening(policy, *said.round, flow.source.host).on_the_way() &&
                                    listening(policy, *said.round, flow.destination.host).on_the_way());
}

void add(ProbedFlow& flow, const Policy& policy, const RoundSays& said) {
    const ProbeResult& result = *said.result;
    note_round(flow, policy, said);
    // That all were lost an earlier round has shown; of a part, more packets were to tell.
    if (!result.unknown.empty()) {
        const bool shown = flow.tried() > 0 && flow.heard() == 0;
        if (flow.unknown.empty() && !shown) flow.unknown = result.unknown;
        return;
    }
    flow.sent += result.sent;
    for (const NotSent& some : result.not_sent) {
        const auto same = std::find_if(flow.not_sent.begin(), flow.not_sent.end(),
                                       [&](const NotSent& other) { return other.error == some.error; });
        if (same == flow.not_sent.end())
            flow.not_sent.push_back(some);
        else
            same->count += some.count;
    }
    flow.arrived += arrivals(result);
    flow.answered += result.answered;
    if (result.source_seen) flow.source_seen = result.source_seen;
    flow.round_trips_us.insert(flow.round_trips_us.end(), result.round_trips_us.begin(),
                               result.round_trips_us.end());
    add_up(flow.objections, result.objections);
}

class Folding {
  public:
    explicit Folding(std::vector<ProbedFlow>& flows) : flows_(flows) {}

    ProbedFlow& at(const ProbeResult& result, const Key& key) {
        const auto [found, added] = index_.emplace(key, flows_.size());
        if (added) {
            ProbedFlow flow;
            flow.source = result.source;
            flow.destination = result.destination;
            flow.protocol = result.protocol;
            flow.purpose = result.purpose;
            flow.size = result.size;
            flow.next_hop = result.next_hop;
            flows_.push_back(std::move(flow));
        }
        return flows_[found->second];
    }
    ProbedFlow* find(const Key& key) {
        const auto found = index_.find(key);
        return found == index_.end() ? nullptr : &flows_[found->second];
    }

  private:
    std::vector<ProbedFlow>& flows_;
    std::unordered_map<Key, std::size_t, EndpointHash> index_;
};

// The pod CIDR that the endpoint lies in; the legs of a route are tried with any address of it.
Endpoint any_pod(const Inventory& inventory, const Endpoint& endpoint) {
    const InventoryHost* host = inventory.find(endpoint.host);
    Endpoint any = endpoint;
    if (host != nullptr)
        for (const Prefix& cidr : host->pod_cidrs)
            if (cidr.contains(endpoint.address)) any.address = cidr.network();
    return any;
}

}  // namespace

void add_up(std::vector<Objection>& into, const std::vector<Objection>& more) {
    for (const Objection& objection : more) {
        const auto same = std::find_if(into.begin(), into.end(), [&](const Objection& o) {
            return o.from == objection.from && o.type == objection.type && o.code == objection.code &&
                   o.reset == objection.reset && o.mtu == objection.mtu && o.ttl == objection.ttl;
        });
        if (same == into.end())
            into.push_back(objection);
        else
            same->count += objection.count;
    }
}

bool ProbedFlow::answers_count() const {
    // Nobody has the address that a leg is tried with, so that nobody answers. A large packet is tried both
    // ways, and the kernel that answers one may break its answer into fragments.
    return purpose != Purpose::next_hop && purpose != Purpose::full_size;
}

std::uint32_t ProbedFlow::heard() const {
    return answers_count() ? std::min(arrived, answered) : arrived;
}

ProbeFate ProbedFlow::fate() const {
    if (!unknown.empty()) return ProbeFate::unknown;
    if (sent == 0) return refused() > 0 ? ProbeFate::not_sent : ProbeFate::unknown;
    if (lost() == 0) return ProbeFate::works;
    if (heard() > 0) return ProbeFate::partly_lost;
    const bool reset =
        std::any_of(objections.begin(), objections.end(), [](const Objection& o) { return o.reset; });
    if (reset || (arrived == 0 && answered > 0)) return ProbeFate::answered_unseen;
    return arrived == 0 ? ProbeFate::request_lost : ProbeFate::reply_lost;
}

ProbeLeg ProbedFlow::failed_leg() const {
    const ProbeFate at = fate();
    const std::uint32_t requests = tried() - std::min(tried(), arrived), replies = arrived - heard();
    if (at == ProbeFate::partly_lost) return requests >= replies ? ProbeLeg::request : ProbeLeg::reply;
    if (at != ProbeFate::reply_lost) return ProbeLeg::request;
    // The same chance may have taken the answers to the few that arrived.
    return requests > replies && may_take_all({tried(), arrived}, replies) ? ProbeLeg::request
                                                                           : ProbeLeg::reply;
}

const ProbedFlow* ProbeFacts::find(const Endpoint& source, const Endpoint& destination,
                                   Protocol protocol) const {
    const auto at = index.find({source, destination, protocol});
    return at == index.end() ? nullptr : &verdicts[at->second];
}

const ProbedFlow* ProbeFacts::either_way(const Endpoint& source, const Endpoint& destination,
                                         Protocol protocol) const {
    const ProbedFlow* flow = find(source, destination, protocol);
    return flow != nullptr ? flow : find(destination, source, protocol);
}

Passage passage_of(const ProbedFlow& flow) {
    if (flow.failed_leg() == ProbeLeg::request) return {flow.tried(), flow.arrived};
    return {flow.arrived, flow.heard()};
}

bool meant_to_die(const ProbeResult& result) {
    constexpr std::uint8_t kFarEnough = 32;
    return result.purpose == Purpose::hop_limit && result.hop_limit < kFarEnough;
}

ProbeFacts fold_probes(const Snapshot& snapshot) {
    ProbeFacts facts;
    Folding verdicts(facts.verdicts), evidence(facts.evidence), full_size(facts.full_size),
        next_hops(facts.next_hops);
    const auto each = [&](const auto& take) {
        for (const RoundResult& round : snapshot.rounds)
            for (const ProbeResult& result : round.probes) take(result, RoundSays{&result, &round});
    };
    const auto plain = [](const ProbeResult& result) {
        return Key{result.source, result.destination, result.protocol, 0, {}};
    };
    each([&](const ProbeResult& r, const RoundSays& said) {
        const auto take = [&](Folding& flows, const Key& key) {
            add(flows.at(r, key), snapshot.policy, said);
        };
        if (r.purpose == Purpose::verdict) take(verdicts, plain(r));
        if (r.purpose == Purpose::evidence) take(evidence, plain(r));
        if (r.purpose == Purpose::full_size)
            take(full_size, {r.source, r.destination, r.protocol, r.size, {}});
        if (r.purpose == Purpose::next_hop)
            take(next_hops, {r.source, any_pod(snapshot.inventory, r.destination), r.protocol, 0,
                             r.next_hop.value_or(Address{})});
    });
    each([&](const ProbeResult& r, const RoundSays& said) {
        ProbedFlow* flow = r.purpose == Purpose::hop_limit ? verdicts.find(plain(r)) : nullptr;
        if (flow != nullptr) note_round(*flow, snapshot.policy, said);
    });
    for (std::size_t i = 0; i < facts.verdicts.size(); ++i)
        facts.index.emplace(
            std::tuple(facts.verdicts[i].source, facts.verdicts[i].destination, facts.verdicts[i].protocol),
            i);
    return facts;
}

bool packets_sent(const Snapshot& snapshot) {
    return std::any_of(snapshot.rounds.begin(), snapshot.rounds.end(),
                       [](const RoundResult& round) { return !round.probes.empty(); });
}

std::string pair_name(const Inventory& inventory, const Endpoint& source, const Endpoint& destination) {
    return endpoint_name(inventory, source) + " → " + endpoint_name(inventory, destination) +
           (source.address.is_v4() ? "" : " (IPv6)");
}

std::string flow_name(const Inventory& inventory, const ProbedFlow& flow) {
    const std::string pair = pair_name(inventory, flow.source, flow.destination);
    return flow.next_hop ? pair + " via " + flow.next_hop->to_string() : pair;
}

std::string_view check_of(Protocol protocol) {
    return std::array<std::string_view, 3>{"pod-icmp", "pod-tcp", "pod-udp"}.at(
        static_cast<std::size_t>(protocol));
}

}  // namespace podroute
