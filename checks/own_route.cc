// Looks up every stretch of the own pod network and judges where it leads.
#include "checks/own_route.h"

#include <algorithm>

#include "checks/common.h"
#include "checks/own_bridge.h"
#include "checks/own_network.h"
#include "engine/classify.h"
#include "engine/fib.h"
#include "engine/fib_rules.h"
#include "engine/route_text.h"
#include "engine/samples.h"

namespace podroute {
namespace {

constexpr std::uint8_t kProtocolKernel = 2;
constexpr std::size_t kMaxEvidence = 6;

enum class OwnFate : std::uint8_t { fine, off_host, rejected, not_connected };

class OwnRoute {
  public:
    OwnRoute(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts, const Prefix& cidr)
        : host_(host),
          facts_(facts),
          cidr_(cidr),
          fib_(facts),
          uplinks_(uplinks(snapshot, host, facts, cidr.family())),
          bridge_(bridge_with(facts, host, cidr)) {
        for (const InventoryHost& peer : snapshot.inventory.hosts)
            for (const Prefix& other : peer.pod_cidrs)
                if (peer.name != host.name && other.family() == cidr.family()) add_sources(other);
        for (const InventoryHost& peer : snapshot.inventory.hosts)
            if (const auto node = peer.address(cidr.family()); peer.pod_cidrs.empty() && node)
                add_sources(Prefix::host(*node));
    }

    std::optional<Cause> cause() {
        for (const Stretch& stretch : fib_.stretches(cidr_)) {
            const auto sample = usable_sample(stretch, cidr_);
            if (!sample) continue;
            FibQuery query = output_query(*sample);
            judge(query);
            if (uplinks_.empty()) continue;
            query.iif = link_name(facts_, uplinks_.front());
            for (const Address& source : sources_) {
                query.source = source;
                judge(query);
            }
        }
        if (cause_.code.empty()) judge_kernel_answers();
        return cause_.code.empty() ? std::nullopt : std::optional(std::move(cause_));
    }

  private:
    // Pods of a peer, as many as the policy rules tell apart. Where no rule looks at sources, one pod of one
    // peer stands for all.
    void add_sources(const Prefix& network) {
        const bool by_source = std::any_of(facts_.rules->begin(), facts_.rules->end(),
                                           [](const Rule& rule) { return rule.source.has_value(); });
        if (!by_source && !sources_.empty()) return;
        const auto samples = fib_.source_samples(network);
        sources_.insert(sources_.end(), samples.begin(), samples.end());
    }

    bool is_pod_side(const NextHop& hop) const {
        if (bridge_ != nullptr && hop.ifindex == bridge_->index) return true;
        const Link* link = find_link(facts_, hop.ifindex);
        const bool uplink = std::find(uplinks_.begin(), uplinks_.end(), hop.ifindex) != uplinks_.end();
        if (uplink || link == nullptr || link->kind == "bridge") return false;
        return !hop.gateway || link->kind == "veth";
    }

    OwnFate fate_of(const FibAnswer& answer, const Route* lost) const {
        const bool exact = answer.matched && answer.matched->length() >= cidr_.length();
        if (answer.error == 0 && answer.type != RouteType::unicast) return OwnFate::fine;
        if (answer.error != 0 && exact) return lost != nullptr ? OwnFate::rejected : OwnFate::fine;
        if (answer.error != 0 || !exact) return bridge_ != nullptr ? OwnFate::not_connected : OwnFate::fine;
        const bool stays = std::all_of(answer.next_hops.begin(), answer.next_hops.end(),
                                       [&](const NextHop& hop) { return is_pod_side(hop); });
        return stays ? OwnFate::fine : OwnFate::off_host;
    }

    // The bridge's own route, where it is in this table but does not win.
    const Route* bridge_route(std::uint32_t table, const FibQuery& query) const {
        if (bridge_ == nullptr) return nullptr;
        for (const Route* route : fib_.candidates(table, query))
            if (route->destination == cidr_ && !route->next_hops.empty() &&
                route->next_hops.front().ifindex == bridge_->index)
                return route;
        return nullptr;
    }

    void judge(const FibQuery& query) {
        const FibMatch match = fib_.lookup(query);
        if (match.route == nullptr && match.rule != nullptr) return diverted(*match.rule);  // it rejects
        const OwnFate fate = fate_of(match.answer, bridge_route(kTableMain, query));
        if (fate == OwnFate::fine) return;
        const bool custom = match.rule != nullptr && is_custom(*match.rule);
        const FibMatch main = fib_.lookup_in(kTableMain, query);
        if (custom && fate_of(main.answer, bridge_route(kTableMain, query)) == OwnFate::fine)
            return diverted(*match.rule);
        if (fate == OwnFate::not_connected) return not_connected(match.answer);
        if (match.route != nullptr) routed(*match.route, fate);
    }

    void start(const std::string& code, const std::string& summary) {
        if (!cause_.code.empty()) return;
        cause_.code = code;
        cause_.host = host_.name;
        cause_.subject = cidr_.to_string();
        cause_.summary = summary;
    }

    void note(const std::string& line) {
        auto& lines = cause_.evidence;
        if (lines.size() < kMaxEvidence && std::find(lines.begin(), lines.end(), line) == lines.end())
            lines.push_back(line);
    }

    void add_change(Change change, const std::string& command) {
        HostChange made{host_.name, std::move(change)};
        if (std::find(cause_.remedy.begin(), cause_.remedy.end(), made) != cause_.remedy.end()) return;
        cause_.remedy.push_back(std::move(made));
        cause_.commands.push_back(on_host(host_.name, command));
    }

    // The bridge by whose address this route is there; null: it is none of that kind.
    const Link* bridge_behind(const Route& route) const {
        if (route.protocol != kProtocolKernel || route.destination != cidr_ || route.next_hops.size() != 1)
            return nullptr;
        const Link* link = find_link(facts_, route.next_hops.front().ifindex);
        return link != nullptr && link->kind == "bridge" ? link : nullptr;
    }

    std::string routed_text(const Link* bridge, OwnFate fate) const {
        if (fate == OwnFate::rejected) return host_.name + " throws away packets for its own pod network";
        if (bridge == nullptr) return host_.name + " routes its own pod network off the host";
        if (bridge_ != nullptr)
            return "two bridges of " + host_.name + " carry its pod network: " + bridge->name +
                   " wins over " + bridge_->name;
        const CniNetwork* network = bridge_network(facts_);
        return "the pod network of " + host_.name + " is on the bridge " + bridge->name +
               (network == nullptr ? "" : ", but the CNI configuration names " + network->bridge);
    }

    // A route that an address has made goes with it; which of two bridges is to go, its owner knows.
    static std::string look_at(const Link& bridge) {
        return plain_word(bridge.name) ? "ip address show dev " + bridge.name : "ip address show";
    }

    void diverted(const Rule& rule) {
        start("rule-diverted",
              "a policy rule keeps packets for the own pod network of " + host_.name + " from table main");
        if (cause_.code != "rule-diverted") return;
        note("rule " + rule_text(rule) + " applies, table main alone would be right");
        add_change({RuleObject{rule}, std::string("present"), std::nullopt}, rule_del_command(rule));
    }

    void routed(const Route& route, OwnFate fate) {
        const Link* bridge = bridge_behind(route);
        start("pod-cidr-mismatch", routed_text(bridge, fate));
        if (cause_.code != "pod-cidr-mismatch") return;
        note(route_text(route, facts_) + " wins");
        Change change;
        change.object = RouteObject{route.destination, route.table, route.metric, route.tos};
        change.before = route;
        const bool plain = route.protocol != kProtocolKernel && route.table == kTableMain;
        if (cause_.remedy.empty()) cause_.automatic = Automatic::repair;
        if (!plain) cause_.automatic = Automatic::never;
        add_change(std::move(change),
                   bridge != nullptr ? look_at(*bridge) : route_command("del", route, facts_));
    }

    void not_connected(const FibAnswer& answer) {
        start("pod-cidr-mismatch",
              "the own pod network of " + host_.name + " is not routed to its bridge " + bridge_->name);
        if (cause_.code != "pod-cidr-mismatch" || !cause_.remedy.empty()) return;
        note(bridge_->name + " carries an address of it, but packets go to " + answer_text(answer, facts_));
        const Route connected = connected_route(cidr_, bridge_->index);
        Change change;
        change.object = RouteObject{connected.destination, connected.table, connected.metric, 0};
        change.after = connected;
        add_change(std::move(change), route_command("add", connected, facts_));
    }

    // The kernel may know better than the dump.
    void judge_kernel_answers() {
        if (!facts_.fib.known()) return;
        for (const FibAnswer& answer : *facts_.fib) {
            const bool about = answer.query.destination == cidr_.sample_pod() && answer.error == 0;
            if (!about || answer.type != RouteType::unicast || !answer.matched) continue;
            if (answer.matched->is_default() || fate_of(answer, nullptr) != OwnFate::off_host) continue;
            start("pod-cidr-mismatch", host_.name + " routes its own pod network off the host");
            note("the kernel answers " + answer_text(answer, facts_));
        }
    }

    const InventoryHost& host_;
    const HostFacts& facts_;
    const Prefix& cidr_;
    Fib fib_;
    std::vector<std::uint32_t> uplinks_;
    const Link* bridge_;
    std::vector<Address> sources_;  // of packets for it from other hosts
    Cause cause_;
};

}  // namespace

std::optional<Cause> own_route_cause(const Snapshot& snapshot, const InventoryHost& host,
                                     const HostFacts& facts, const Prefix& cidr) {
    return OwnRoute(snapshot, host, facts, cidr).cause();
}

}  // namespace podroute
