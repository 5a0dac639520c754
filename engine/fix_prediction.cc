// The walk with all fixes, and with one withheld.
#include "engine/fix_prediction.h"

#include <algorithm>
#include <cerrno>

#include "engine/fib.h"

namespace podroute {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Where the two overlap; they do.
const Prefix& narrower(const Prefix& a, const Prefix& b) {
    return a.length() > b.length() ? a : b;
}

std::vector<Endpoint> endpoints(const InventoryHost& host, Family family) {
    std::vector<Endpoint> found;
    for (const Prefix& cidr : host.pod_cidrs)
        if (cidr.family() == family) found.push_back({host.name, Vantage::pod, cidr.sample_pod()});
    if (!found.empty()) return found;
    if (const auto address = host.address(family)) found.push_back({host.name, Vantage::node, *address});
    return found;
}

bool concerns(const Change& change, const Flow& flow) {
    const auto* route = std::get_if<RouteObject>(&change.object);
    return route == nullptr || route->destination.contains(flow.source.address) ||
           route->destination.contains(flow.destination.address);
}

// A detour by a third host is no way that a route is meant to take.
bool mended(const Leg& with, const Leg& without) {
    if (with.status != WalkStatus::pass) return false;
    const bool detour = without.status == WalkStatus::pass && without.hops.size() > with.hops.size();
    return without.status == WalkStatus::broken || detour;
}

}  // namespace

FixPrediction::FixPrediction(const Snapshot& snapshot, Walker& walker, std::span<const Fix> fixes)
    : snapshot_(snapshot), walker_(walker), fixes_(fixes) {
    for (std::size_t i = 0; i < fixes.size(); ++i)
        if (fixes[i].status == FixStatus::planned) by_host_[fixes[i].host].push_back(i);
    for (const Flow& flow : verdict_flows(snapshot.inventory))
        for (const HostId& host : {flow.source.host, flow.destination.host})
            if (by_host_.contains(host)) flows_[host].push_back(flow);
}

std::vector<FixPrediction::Ask> FixPrediction::all_asks(const HostId& host) const {
    std::vector<Ask> asks;
    const auto at = flows_.find(host);
    if (at == flows_.end()) return asks;
    for (const Flow& flow : at->second) asks.push_back({flow});
    return asks;
}

// Packets of the fix's host to the pods that the route is for. A route about the host's own pods is about
// everybody's packets.
std::vector<FixPrediction::Ask> FixPrediction::route_asks(const Fix& fix, const RouteObject& route) const {
    std::vector<Ask> asks;
    for (const InventoryHost& owner : snapshot_.inventory.hosts) {
        for (const Prefix& cidr : owner.pod_cidrs) {
            if (!cidr.overlaps(route.destination)) continue;
            if (owner.name == fix.host) return all_asks(fix.host);
            const Address pod = narrower(cidr, route.destination).sample_pod();
            for (const Endpoint& source : endpoints(*snapshot_.inventory.find(fix.host), cidr.family()))
                asks.push_back({{source, {owner.name, Vantage::pod, pod}, 0, 0}, true, false});
        }
    }
    return asks;
}

std::vector<HostChange> FixPrediction::overlay(const Flow& flow, std::size_t but) const {
    std::vector<HostChange> changes;
    for (const HostId& host : {flow.source.host, flow.destination.host}) {
        const auto at = by_host_.find(host);
        if (at == by_host_.end()) continue;
        for (const std::size_t i : at->second)
            if (i != but && concerns(fixes_[i].change, flow)) changes.push_back({host, fixes_[i].change});
    }
    return changes;
}

std::vector<HostChange> FixPrediction::without_defaults(const HostId& host, Family family) const {
    std::vector<HostChange> changes;
    for (const Route& route : *snapshot_.hosts.at(host)->routes)
        if (route.destination.is_default() && route.destination.family() == family)
            changes.push_back({host,
                               {RouteObject{route.destination, route.table, route.metric, route.tos}, route,
                                std::nullopt}});
    return changes;
}

bool FixPrediction::improves(const Ask& ask, std::size_t fix) {
    auto all = overlay(ask.flow, kNone);
    auto rest = overlay(ask.flow, fix);
    const auto better = [&] {
        const Walk with = walker_.walk(ask.flow, all);
        const Walk without = walker_.walk(ask.flow, rest);
        return (ask.request && mended(with.request, without.request)) ||
               (ask.reply && mended(with.reply, without.reply));
    };
    if (better()) return true;
    if (!std::holds_alternative<RouteObject>(fixes_[fix].change.object)) return false;
    const auto defaults = without_defaults(fixes_[fix].host, ask.flow.destination.address.family());
    if (defaults.empty()) return false;
    all.insert(all.end(), defaults.begin(), defaults.end());
    rest.insert(rest.end(), defaults.begin(), defaults.end());
    return better();
}

bool FixPrediction::helps(std::size_t fix) {
    const auto* route = std::get_if<RouteObject>(&fixes_[fix].change.object);
    const auto asks = route != nullptr ? route_asks(fixes_[fix], *route) : all_asks(fixes_[fix].host);
    return std::any_of(asks.begin(), asks.end(), [&](const Ask& ask) { return improves(ask, fix); });
}

namespace {

// What the kernel of a host was asked and said in this run.
class KernelAnswers {
  public:
    KernelAnswers(const Snapshot& snapshot, const HostId& host) {
        if (const auto& facts = *snapshot.hosts.at(host); facts.fib.known()) add(*facts.fib);
        for (const RoundResult& round : snapshot.rounds) {
            const auto at = round.hosts.find(host);
            if (at != round.hosts.end() && at->second.known()) add(at->second->lookups);
        }
    }
    const FibAnswer* find(const FibQuery& query) const {
        const auto at = answers_.find(query);
        return at == answers_.end() ? nullptr : at->second;
    }
    const std::map<FibQuery, const FibAnswer*>& all() const { return answers_; }

  private:
    void add(const std::vector<FibAnswer>& answers) {
        for (const FibAnswer& answer : answers) answers_[answer.query] = &answer;
    }
    std::map<FibQuery, const FibAnswer*> answers_;
};

bool same(const FibAnswer& a, const FibAnswer& b) {
    return a.error == b.error && a.type == b.type && a.matched == b.matched && a.next_hops == b.next_hops;
}

std::vector<FixProof> route_proofs(const Snapshot& snapshot, const RouteObject& route, const Fib& now,
                                   const Fib& then, const KernelAnswers& kernel) {
    std::vector<FixProof> proofs;
    for (const InventoryHost& owner : snapshot.inventory.hosts) {
        for (const Prefix& cidr : owner.pod_cidrs) {
            if (!cidr.overlaps(route.destination)) continue;
            const Prefix& part = narrower(cidr, route.destination);
            std::vector<Address> ends{part.first_usable()};
            if (part.last_usable() != ends.front()) ends.push_back(part.last_usable());
            for (const Address& end : ends) {
                const FibQuery query = output_query(end);
                const FibAnswer ours = now.lookup(query).answer;
                const FibAnswer wanted = then.lookup(query).answer;
                if (same(ours, wanted) || wanted.error != 0 || wanted.next_hops.empty()) continue;
                const FibAnswer* said = kernel.find(query);
                proofs.push_back({said != nullptr ? *said : ours, wanted.next_hops});
                proofs.back().before.query = query;
            }
        }
    }
    return proofs;
}

// EHOSTUNREACH of a packet that comes in by a link is the answer of a host that does not forward there
// (ip_route_input_slow() of net/ipv4/route.c). IPv6 lookups do not show it.
std::vector<FixProof> forwarding_proofs(const KernelAnswers& kernel) {
    for (const auto& [query, answer] : kernel.all())
        if (!query.iif.empty() && query.iif != "lo" && query.destination.is_v4() &&
            answer->error == EHOSTUNREACH)
            return {{*answer, {}}};
    return {};
}

bool turns_forwarding_on(const Object& object) {
    const auto* set = std::get_if<SysctlSetObject>(&object);
    return set != nullptr && set->name == "ipv4/ip_forward";
}

}  // namespace

std::vector<std::vector<FixProof>> proofs_of(const Snapshot& snapshot, const HostId& host,
                                             std::span<const Fix* const> fixes) {
    const KernelAnswers kernel(snapshot, host);
    const Fib now(*snapshot.hosts.at(host));
    std::vector<Change> changes;
    for (const Fix* fix : fixes) changes.push_back(fix->change);
    std::vector<std::vector<FixProof>> proofs(fixes.size());
    if (!now.known()) return proofs;
    const Fib then = now.with(changes);
    for (std::size_t i = 0; i < fixes.size(); ++i) {
        if (const auto* route = std::get_if<RouteObject>(&fixes[i]->change.object))
            proofs[i] = route_proofs(snapshot, *route, now, then, kernel);
        else if (turns_forwarding_on(fixes[i]->change.object))
            proofs[i] = forwarding_proofs(kernel);
    }
    return proofs;
}

}  // namespace podroute
