// Follows a packet from host to host. At each host: what the link lets in, what the tables say, what the
// reverse path filter and the forwarding settings let through, and which host the next hop is.
#include "engine/walk_leg.h"

#include <algorithm>
#include <set>

#include "engine/fib_rules.h"
#include "engine/legs.h"
#include "engine/route_text.h"
#include "engine/walk_gates.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxHops = 16;

Leg stop(WalkStatus status, const HostId& host, std::string reason, std::string code,
         const std::vector<HostId>& hops) {
    return {status, hops, host, std::move(reason), std::move(code), {}};
}

// One leg under way. States (host, incoming link) are visited once: what follows from one is always the same.
class LegWalk {
  public:
    LegWalk(const WalkWorld& world, const WalkPacket& packet) : world_(world), packet_(packet) {}

    Leg run() {
        const WalkHost* source = world_.find(packet_.from.host);
        std::uint32_t iif = kOutput;
        if (packet_.from.vantage == Vantage::pod)
            iif = source != nullptr ? source->host_roles().pod_bridge.value_or(kFutureLink) : kFutureLink;
        return visit(packet_.from.host, iif);
    }

  private:
    Leg broken(const HostId& host, std::string reason, std::string code) const {
        Leg leg = stop(WalkStatus::broken, host, std::move(reason), std::move(code), path_);
        for (const auto& [name, match] : lookups_) {
            Decision& decision = leg.decisions.emplace_back();
            decision.host = name;
            if (match.rule != nullptr) decision.rule = *match.rule;
            if (match.route != nullptr) decision.route = *match.route;
        }
        return leg;
    }
    Leg unknown(const HostId& host, std::string reason, std::string code = {}) const {
        return stop(WalkStatus::unknown, host, std::move(reason), std::move(code), path_);
    }
    Leg passed() const { return stop(WalkStatus::pass, {}, "", "", path_); }

    Leg visit(const HostId& name, std::uint32_t iif) {
        path_.push_back(name);
        const std::size_t before = lookups_.size();
        Leg leg = visit_once(name, iif);
        lookups_.resize(before);
        path_.pop_back();
        return leg;
    }

    Leg visit_once(const HostId& name, std::uint32_t iif) {
        const std::pair<HostId, std::uint32_t> state{name, iif};
        if (done_.contains(state)) return passed();
        if (path_.size() > kMaxHops || !under_way_.insert(state).second)
            return broken(name, "loop", "route-wrong-gateway");
        Leg leg = at_host(name, iif);
        under_way_.erase(state);
        if (leg.status == WalkStatus::pass) done_.insert(state);
        return leg;
    }

    Leg at_host(const HostId& name, std::uint32_t iif) {
        const WalkHost* host = world_.find(name);
        if (host == nullptr) return unknown(name, "its facts were not read", world_.unread_code(name));
        if (!host->fib().known()) return unknown(name, "table not read");
        if (iif != kOutput && !host->settings(iif).up)
            return broken(name, host->settings(iif).name + " is down", "link-down");
        lookups_.emplace_back(name, look_up(*host, iif));
        const FibMatch match = lookups_.back().second;
        if (match.answer.error == 0 && match.answer.type == RouteType::local) return local(*host, iif, match);
        if (name == packet_.to.host) return at_destination(*host, iif, match);
        if (match.answer.error != 0) return rejected(*host, match);
        if (match.answer.type != RouteType::unicast)
            return broken(name, "taken for a " + type_name(match.answer.type) + " address", "route-shadowed");
        return follow(*host, iif, match);
    }

    FibMatch look_up(const WalkHost& host, std::uint32_t iif) const {
        FibQuery q = output_query(packet_.to.address);
        q.ip_proto = packet_.ip_proto;
        q.destination_port = packet_.destination_port;
        if (iif != kOutput) q.iif = iif == kFutureLink ? "lo" : host.settings(iif).name;
        // A request of the host itself is looked up without a source, then with the one that was chosen
        // (ip_route_connect(), include/net/route.h).
        if (iif == kOutput && !packet_.reply) {
            FibMatch first = host.fib().lookup(q);
            if (first.answer.error != 0) return first;
        }
        q.source = packet_.from.address;
        return host.fib().lookup(q);
    }

    Leg local(const WalkHost& host, std::uint32_t iif, const FibMatch& match) {
        const HostId& name = host.host().name;
        if (name == packet_.to.host && packet_.to.vantage == Vantage::node) {
            return after_source_gate(host, iif, "lo");
        }
        if (name == packet_.to.host) return at_destination(host, iif, match);
        return broken(name, "taken for an address of its own",
                      packet_.to.vantage == Vantage::pod ? "route-shadowed" : "address-duplicate");
    }

    Leg rejected(const WalkHost& host, const FibMatch& match) const {
        const HostId& name = host.host().name;
        if (match.route == nullptr && match.rule != nullptr)
            return broken(name, "rejected by rule " + rule_text(*match.rule), "rule-diverted");
        if (match.route == nullptr) return broken(name, "no route", "route-missing");
        const bool shorter = match.route->destination.length() < packet_.network.length();
        return broken(name, type_name(match.route->type) + " " + match.route->destination.to_string(),
                      shorter ? "route-missing" : "route-blackhole");
    }

    // Before a pod's link the packet is forwarded, so that the settings of the incoming link matter.
    Leg at_destination(const WalkHost& host, std::uint32_t iif, const FibMatch& match) {
        const HostId& name = host.host().name;
        if (packet_.to.vantage == Vantage::node)
            return broken(name, "no link carries " + packet_.to.address.to_string(), "address-missing");
        if (const auto leg = diverted_from_pods(host, match)) return *leg;
        const auto bridge = host.host_roles().pod_bridge;
        const bool awaits = awaits_first_pod(host.facts(), host.host_roles(), packet_.to.address.family());
        const auto& hops = match.answer.next_hops;
        const bool unicast = match.answer.error == 0 && match.answer.type == RouteType::unicast;
        const bool inside = match.answer.matched && packet_.network.contains(*match.answer.matched);
        // A wider route is no more than a stopgap until the bridge has its own.
        const bool wider = match.answer.matched && match.answer.matched->length() < packet_.network.length();
        const bool routed_off =
            unicast && !match.answer.matched->is_default() && !(wider && awaits) &&
            (!inside || std::any_of(hops.begin(), hops.end(), [](const NextHop& h) { return h.gateway; }));
        if (routed_off)
            return broken(name, "routed off by " + answer_text(match.answer, host.facts()),
                          "pod-cidr-mismatch");
        if (bridge && (!host.settings(*bridge).up || !awaits)) {
            const bool on_bridge = unicast && std::any_of(hops.begin(), hops.end(), [&](const NextHop& h) {
                                       return h.ifindex == *bridge;
                                   });
            if (!host.settings(*bridge).up)
                return broken(name, host.settings(*bridge).name + " is down", "link-down");
            if (!on_bridge)
                return broken(name, "the pod network is not on " + host.settings(*bridge).name,
                              "pod-cidr-mismatch");
        }
        if (auto leg = gate(host, forwarding_halt(host, iif, packet_.to.address.family())))
            return std::move(*leg);
        return after_source_gate(host, iif, bridge ? host.settings(*bridge).name : "lo");
    }

    // Beside a bridge each pod has a route of its own in table main, which such a rule comes before.
    std::optional<Leg> diverted_from_pods(const WalkHost& host, const FibMatch& match) const {
        const bool inside = match.answer.error == 0 && match.answer.matched &&
                            packet_.network.contains(*match.answer.matched);
        if (host.host_roles().pod_bridge || match.rule == nullptr || !is_custom(*match.rule) || inside)
            return std::nullopt;
        return broken(host.host().name, "kept from its pods by rule " + rule_text(*match.rule),
                      "rule-diverted");
    }

    std::optional<Leg> gate(const WalkHost& host, const std::optional<Halt>& halt) const {
        if (!halt) return std::nullopt;
        return halt->known ? broken(host.host().name, halt->reason, halt->code)
                           : unknown(host.host().name, halt->reason);
    }
    std::optional<Leg> source_gate(const WalkHost& host, std::uint32_t iif, const std::string& oif) const {
        return gate(host, source_halt(host, iif, oif, packet_.from, packet_.to.address));
    }
    Leg after_source_gate(const WalkHost& host, std::uint32_t iif, const std::string& oif) const {
        return source_gate(host, iif, oif).value_or(passed());
    }

    Leg follow(const WalkHost& host, std::uint32_t iif, const FibMatch& match) {
        Leg result = passed();
        bool any = false;
        for (const NextHop& hop : match.answer.next_hops) {
            if (!host.fib().live(hop, packet_.to.address.family())) continue;
            any = true;
            Leg leg = follow_hop(host, iif, match, hop);
            if (leg.status == WalkStatus::broken) return leg;
            if (leg.status == WalkStatus::unknown || result.status == WalkStatus::pass)
                result = std::move(leg);
        }
        return any ? result : broken(host.host().name, "every next hop is dead", "link-down");
    }

    Leg follow_hop(const WalkHost& host, std::uint32_t iif, const FibMatch& match, const NextHop& hop) {
        const HostId& name = host.host().name;
        const LinkSettings& out = host.settings(hop.ifindex);
        if (!out.up) return broken(name, out.name + " is down", "link-down");
        if (auto leg = gate(host, forwarding_halt(host, iif, packet_.to.address.family())))
            return std::move(*leg);
        if (auto leg = source_gate(host, iif, out.name)) return std::move(*leg);
        if (!hop.gateway) {
            const Link* link = host.link(hop.ifindex);
            if (link != nullptr && is_tunnel(*link))
                return unknown(name, "it leaves by the tunnel " + link->name);
            // The network of another host on this one's pod bridge: one of the two has the wrong one.
            if (hop.ifindex == host.host_roles().pod_bridge)
                return broken(name, "taken for its own pod network", "pod-cidr-mismatch");
            if (packet_.to.vantage == Vantage::pod)
                return broken(name, "its route leaves by " + out.name + " without a next hop",
                              match.route != nullptr && match.route->protocol == 2 ? "route-shadowed"
                                                                                   : "route-wrong-gateway");
        }
        return next(host, match, hop.gateway.value_or(packet_.to.address), hop.ifindex);
    }

    Leg next(const WalkHost& host, const FibMatch& match, const Address& target, std::uint32_t ifindex) {
        const HostId& name = host.host().name;
        const NeighbourState neighbour = host.neighbour(target, ifindex);
        if (neighbour.wrong) {
            Leg leg = broken(name, "wrong neighbour entry for " + target.to_string(), "neighbour-wrong");
            return with_neighbour(std::move(leg), host, target, ifindex);
        }
        const auto carrier = world_.carrier_of(target, packet_.to.host);
        const InventoryHost* owner = world_.snapshot().inventory.owner_of(target);
        if (!carrier && owner != nullptr && world_.find(owner->name) != nullptr) {
            path_.push_back(owner->name);
            Leg leg = broken(owner->name, "no link carries " + target.to_string(), "address-missing");
            path_.pop_back();
            return leg;
        }
        if (!carrier && owner != nullptr) return visit(owner->name, kFutureLink);  // not read: unknown
        if (neighbour.unresolved) {
            Leg leg = broken(name, target.to_string() + " does not answer", "gateway-unresolved");
            return with_neighbour(std::move(leg), host, target, ifindex);
        }
        if (!carrier) return leaves(name, match, target);
        return visit(*carrier, world_.entry_link(*carrier, target));
    }

    static Leg with_neighbour(Leg leg, const WalkHost& host, const Address& target, std::uint32_t ifindex) {
        Neighbour unknown;
        unknown.address = target;
        unknown.ifindex = ifindex;
        const Neighbour* entry = host.neighbour_entry(target, ifindex);
        leg.decisions.back().neighbour = entry != nullptr ? *entry : unknown;
        return leg;
    }

    Leg leaves(const HostId& name, const FibMatch& match, const Address& target) const {
        if (world_.find(packet_.to.host) == nullptr)
            return unknown(name, target.to_string() + " may be an address of " + packet_.to.host,
                           world_.unread_code(packet_.to.host));
        const bool shorter =
            match.answer.matched && match.answer.matched->length() < packet_.network.length();
        const bool by_default = match.answer.matched && match.answer.matched->is_default();
        return broken(name,
                      std::string(by_default ? "falls to the default route" : "leaves the cluster") +
                          " via " + target.to_string(),
                      shorter ? "route-missing" : "route-wrong-gateway");
    }

    const WalkWorld& world_;
    const WalkPacket& packet_;
    std::vector<HostId> path_;
    std::vector<std::pair<HostId, FibMatch>> lookups_;  // of the hosts on the path
    std::set<std::pair<HostId, std::uint32_t>> under_way_, done_;
};

}  // namespace

Leg walk_leg(const WalkWorld& world, const WalkPacket& packet) {
    return LegWalk(world, packet).run();
}

}  // namespace podroute
