// From facts to specifications of pods.
#include "probes/pod_plan.h"

#include <algorithm>
#include <unordered_set>

#include "probes/pod_address.h"

namespace podroute {
namespace {

constexpr std::size_t kLinkLetters = 8;

const Link* link_at(const HostFacts& facts, std::uint32_t ifindex) {
    if (!facts.links.known()) return nullptr;
    for (const Link& link : *facts.links)
        if (link.index == ifindex) return &link;
    return nullptr;
}

const InterfaceAddress* on_bridge(const HostFacts& facts, const Prefix& cidr) {
    if (!facts.addresses.known()) return nullptr;
    const InterfaceAddress* covering = nullptr;
    for (const InterfaceAddress& a : *facts.addresses) {
        const Link* link = link_at(facts, a.ifindex);
        if (link == nullptr || link->kind != "bridge" || !cidr.contains(a.address)) continue;
        if (a.network() == cidr) return &a;
        if (a.network().contains(cidr)) covering = &a;
    }
    return covering;
}

class Planner {
  public:
    Planner(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
            const std::set<Address>& refused, unsigned attempt)
        : policy_(snapshot.policy),
          host_(host),
          facts_(facts),
          taken_(refused),
          seed_(hash_of(host.name, seed_of(snapshot.run)) + attempt) {
        if (facts.addresses.known())
            for (const InterfaceAddress& a : *facts.addresses) taken_.insert(a.address);
        const auto uplinks = uplinks_of(snapshot, host, facts);
        if (!uplinks.empty()) uplink_ = uplinks.front()->name;
    }

    PodPlan plan(bool neighbour) {
        for (unsigned beside = 0; beside < (neighbour ? 2U : 1U); ++beside) {
            first_of_round_ = out_.pods.size();
            for (const Prefix& cidr : host_.pod_cidrs) add(cidr, beside);
        }
        for (std::size_t i = 0; i < out_.pods.size(); ++i)
            out_.pods[i].number = static_cast<std::uint32_t>(i + 1);
        return std::move(out_);
    }

  private:
    void add(const Prefix& cidr, unsigned beside) {
        const InterfaceAddress* gateway = on_bridge(facts_, cidr);
        const std::string bridge = gateway != nullptr ? link_at(facts_, gateway->ifindex)->name : "";
        // The gateway of a network without one yet: where the CNI's bridge will have it.
        const auto taken = [&](const Address& a) {
            return taken_.contains(a) || (gateway == nullptr && a == cidr.first_usable());
        };
        // Nobody else's pod takes what was asked for.
        const auto spoken_for = [&](const Address& a) {
            return taken(a) || a == cidr.first_usable() || policy_.pair_addresses.contains(a);
        };
        const Address* wanted = given(cidr, beside);
        const bool may = wanted != nullptr && !taken(*wanted) && cidr.first_usable() <= *wanted &&
                         *wanted <= cidr.last_usable();
        const auto address =
            may ? Result<Address>(*wanted)
                : pick_pod_address(cidr, Seeded(hash_of(cidr.to_string(), seed_) + beside), spoken_for);
        if (!address) {
            // One pod may have the only address there is; packets within the host are then not tested.
            out_.unavailable.push_back({address.error().code, address.error().text, host_.name});
            return;
        }
        taken_.insert(*address);
        PodSpec& pod = pod_for(*address, bridge);
        pod.addresses.push_back(*address);
        if (gateway == nullptr) return;
        pod.networks.push_back(cidr);
        pod.gateways.push_back(gateway->address);
    }

    // The address that the pair is to have here; null: any. Of a pair within a network the second one is
    // beside the first.
    const Address* given(const Prefix& cidr, unsigned beside) const {
        if (!policy_.pair) return nullptr;
        std::vector<const Endpoint*> ends;
        for (const Endpoint* end : {&policy_.pair->first, &policy_.pair->second})
            if (end->host == host_.name && end->vantage == Vantage::pod && cidr.contains(end->address))
                ends.push_back(end);
        if (beside >= ends.size() || !policy_.pair_addresses.contains(ends[beside]->address)) return nullptr;
        return &ends[beside]->address;
    }

    // A pod of this turn on the same bridge that has no address of this family yet, else a new one.
    PodSpec& pod_for(const Address& address, const std::string& bridge) {
        for (std::size_t i = first_of_round_; i < out_.pods.size(); ++i) {
            const auto& have = out_.pods[i].addresses;
            if (out_.pods[i].bridge == bridge &&
                std::none_of(have.begin(), have.end(),
                             [&](const Address& a) { return a.family() == address.family(); }))
                return out_.pods[i];
        }
        PodSpec pod;
        pod.link = link_name(out_.pods.size());
        pod.bridge = bridge;
        pod.uplink = uplink_;
        return out_.pods.emplace_back(std::move(pod));
    }

    // "veth", because network managers leave such links alone, and letters at random.
    std::string link_name(std::size_t index) const {
        Seeded random(hash_of("link", seed_) + index);
        std::string name = "veth";
        for (std::size_t i = 0; i < kLinkLetters; ++i) name += static_cast<char>('a' + random.below(26));
        return name;
    }

    const Policy& policy_;
    const InventoryHost& host_;
    const HostFacts& facts_;
    std::set<Address> taken_;
    std::uint64_t seed_;
    std::string uplink_;
    std::size_t first_of_round_ = 0;
    PodPlan out_;
};

}  // namespace

const Link* bridge_of(const HostFacts& facts, const Prefix& cidr) {
    const InterfaceAddress* address = on_bridge(facts, cidr);
    return address == nullptr ? nullptr : link_at(facts, address->ifindex);
}

namespace {

// Whether a route of `facts` to a pod network of `owner` leads to this address: by another link of the owner.
bool leads_to(const HostFacts& facts, const InventoryHost& owner, const Address& address) {
    if (!facts.fib.known()) return false;
    return std::any_of(facts.fib->begin(), facts.fib->end(), [&](const FibAnswer& answer) {
        const auto here = [&](const NextHop& hop) { return hop.gateway == address; };
        const auto inside = [&](const Prefix& cidr) { return cidr.contains(answer.query.destination); };
        return std::any_of(answer.next_hops.begin(), answer.next_hops.end(), here) &&
               std::any_of(owner.pod_cidrs.begin(), owner.pod_cidrs.end(), inside);
    });
}

bool is_gateway(const Snapshot& snapshot, const InventoryHost& owner, const Address& address) {
    return std::any_of(snapshot.hosts.begin(), snapshot.hosts.end(), [&](const auto& entry) {
        return entry.first != owner.name && entry.second.known() && leads_to(*entry.second, owner, address);
    });
}

}  // namespace

std::vector<const Link*> uplinks_of(const Snapshot& snapshot, const InventoryHost& host,
                                    const HostFacts& facts) {
    std::vector<const Link*> out;
    const auto add = [&](std::uint32_t ifindex) {
        const Link* link = link_at(facts, ifindex);
        if (link != nullptr && !link->loopback() && std::find(out.begin(), out.end(), link) == out.end())
            out.push_back(link);
    };
    if (facts.addresses.known())
        for (const InterfaceAddress& a : *facts.addresses)
            if (std::find(host.addresses.begin(), host.addresses.end(), a.address) != host.addresses.end())
                add(a.ifindex);
    if (!facts.fib.known()) return out;
    std::unordered_set<Address> nodes;
    for (const InventoryHost& peer : snapshot.inventory.hosts)
        if (peer.name != host.name) nodes.insert(peer.addresses.begin(), peer.addresses.end());
    for (const FibAnswer& answer : *facts.fib)
        if (answer.error == 0 && answer.type == RouteType::unicast &&
            nodes.contains(answer.query.destination))
            for (const NextHop& hop : answer.next_hops) add(hop.ifindex);
    if (host.pod_cidrs.empty() || !facts.addresses.known()) return out;
    for (const InterfaceAddress& a : *facts.addresses) {
        const Link* link = link_at(facts, a.ifindex);
        if (link == nullptr || link->kind == "bridge" || link->loopback()) continue;
        // Few hosts have another link, so that routes are seldom looked through.
        if (std::find(out.begin(), out.end(), link) == out.end() && is_gateway(snapshot, host, a.address))
            out.push_back(link);
    }
    return out;
}

PodPlan plan_pods(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts,
                  const std::set<Address>& refused, unsigned attempt, bool neighbour) {
    if (host.pod_cidrs.empty()) return {};
    if (facts.uid != 0)
        return {{},
                {{"no-privilege",
                  "probes need root on the host; the agent runs as user " + std::to_string(facts.uid),
                  host.name}}};
    return Planner(snapshot, host, facts, refused, attempt).plan(neighbour);
}

}  // namespace podroute
