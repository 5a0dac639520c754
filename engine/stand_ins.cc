// The ends of the pair beside those of its probes.
#include "engine/stand_ins.h"

#include <algorithm>

#include "model/taken_addresses.h"

namespace podroute {
namespace {

// What the host said when it was asked for the address; empty: it was not asked.
std::string refusal(const Snapshot& snapshot, const HostId& host, const Address& address) {
    for (const RoundResult& round : snapshot.rounds) {
        const auto at = round.hosts.find(host);
        if (at == round.hosts.end() || !at->second.known()) continue;
        for (const Error& error : at->second->pods_refused) {
            const auto taken = taken_addresses(error);
            if (std::find(taken.begin(), taken.end(), address) == taken.end()) continue;
            const std::string start = address.to_string() + ": ";
            if (taken.front() != address) return "it is taken";
            return error.text.starts_with(start) ? error.text.substr(start.size()) : error.text;
        }
    }
    return "";
}

// Of what the host was read to have, whether some belongs to the address; what was not read has none.
template <class T, class Predicate>
bool some(const Snapshot& snapshot, const HostId& host, Observed<std::vector<T>> HostFacts::*part,
          Predicate belongs) {
    const auto facts = snapshot.hosts.find(host);
    if (facts == snapshot.hosts.end() || !facts->second.known()) return false;
    const auto& all = (*facts->second).*part;
    return all.known() && std::any_of(all->begin(), all->end(), belongs);
}

std::string why_not(const Snapshot& snapshot, const HostId& host, const Address& address) {
    if (auto said = refusal(snapshot, host, address); !said.empty()) return said;
    if (some(snapshot, host, &HostFacts::addresses,
             [&](const InterfaceAddress& a) { return a.address == address; }))
        return "the host itself carries it";
    if (some(snapshot, host, &HostFacts::routes,
             [&](const Route& route) { return route.destination == Prefix::host(address); }))
        return "the host has a route to it alone";
    return "it is no pod's: the network's own, its gateway's or its last";
}

}  // namespace

std::vector<StandIn> stand_ins(const Snapshot& snapshot) {
    std::vector<StandIn> out;
    const auto& pair = snapshot.policy.pair;
    if (!pair) return out;
    const auto compare = [&](const Endpoint& asked, const Endpoint& used) {
        if (asked.vantage != Vantage::pod || asked.host != used.host || asked.address == used.address) return;
        if (!snapshot.policy.pair_addresses.contains(asked.address)) return;
        out.push_back(
            {asked.host, asked.address, used.address, why_not(snapshot, asked.host, asked.address)});
    };
    for (const RoundResult& round : snapshot.rounds)
        for (const ProbeResult& probe : round.probes) {
            // The first of them is the pair itself, the next ones are the other way round.
            if (probe.purpose != Purpose::verdict || !probe.unknown.empty()) continue;
            compare(pair->first, probe.source);
            compare(pair->second, probe.destination);
            return out;
        }
    return out;
}

std::string stand_in_text(const StandIn& one) {
    return one.used.to_string() + " stands for " + one.asked.to_string() + ": " + one.why;
}

}  // namespace podroute
