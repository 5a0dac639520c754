// From facts to specifications of pods.
#include "probes/pod_plan.h"

#include <algorithm>

#include "model/host_links.h"
#include "probes/pod_address.h"
#include "probes/sites.h"

namespace podroute {
namespace {

constexpr std::size_t kLinkLetters = 8;

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
        // The agent refuses an address that has a route of its own.
        if (facts.routes.known())
            for (const Route& route : *facts.routes)
                if (route.destination.is_host()) taken_.insert(route.destination.network());
        // Asked for last time, and not refused: none of these is known to be taken.
        if (const HostFindings* last = pods_of(snapshot, host.name))
            for (const PodSpec& pod : last->asked)
                for (const Address& a : pod.addresses)
                    if (!refused.contains(a)) not_refused_.push_back(a);
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
        const auto again = std::find_if(not_refused_.begin(), not_refused_.end(),
                                        [&](const Address& a) { return cidr.contains(a) && !spoken_for(a); });
        const auto address =
            may ? Result<Address>(*wanted)
            : again != not_refused_.end()
                ? Result<Address>(*again)
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
    std::vector<Address> not_refused_;
    std::uint64_t seed_;
    std::string uplink_;
    std::size_t first_of_round_ = 0;
    PodPlan out_;
};

}  // namespace

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
