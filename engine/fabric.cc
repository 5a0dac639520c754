// The matrix of senders and targets.
#include "engine/fabric.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace podroute {
namespace {

using Side = std::tuple<HostId, Family, Protocol>;

// Hosts whose pods' packets got through at least once, as senders and as targets.
struct Passing {
    std::set<Side> sent, received;

    void add(const Endpoint& from, const Endpoint& to, Protocol protocol) {
        const Family family = from.address.family();
        if (from.vantage == Vantage::pod) sent.insert({from.host, family, protocol});
        if (to.vantage == Vantage::pod) received.insert({to.host, family, protocol});
    }
};

bool entered(Places& places, const ProbedFlow& flow) {
    if (flow.arrived > 0) return true;
    const auto seen = places.seen(flow, ProbeLeg::request);
    return !seen.empty() && seen.back().stage >= Stage::entered;
}

Passing passing(const ProbeFacts& facts, Places& places) {
    Passing result;
    for (const auto* flows : {&facts.verdicts, &facts.evidence}) {
        for (const ProbedFlow& flow : *flows) {
            // Where the source is rewritten, the network saw no pod's address.
            if (flow.same_host() || flow.source_seen) continue;
            if (entered(places, flow)) result.add(flow.source, flow.destination, flow.protocol);
            if (flow.heard() > 0) result.add(flow.destination, flow.source, flow.protocol);
        }
    }
    return result;
}

bool any_protocol(const std::set<Side>& sides, const HostId& host, Family family) {
    const auto protocols = std::array{Protocol::icmp, Protocol::tcp, Protocol::udp};
    return std::any_of(protocols.begin(), protocols.end(), [&](Protocol protocol) {
        return sides.contains({host, family, protocol});
    });
}

class Blaming {
  public:
    Blaming(const Snapshot& snapshot, const ProbeFacts& facts, Places& places)
        : snapshot_(snapshot), facts_(facts), places_(places), passing_(passing(facts, places)) {}

    std::vector<FabricBlame> run(std::span<const FabricLoss> losses) {
        std::vector<std::size_t> untold;
        for (std::size_t i = 0; i < losses.size(); ++i) {
            if (const auto another = another_passes(losses[i]))
                look_at(losses[i], i, *another);
            else
                untold.push_back(i);
        }
        std::set<std::pair<HostId, Protocol>> filtered;
        for (const auto& [host, blame] : hosts_)
            if (blame.one_protocol)
                for (const Protocol protocol : blame.protocols) filtered.emplace(host, protocol);
        for (const std::size_t i : untold) {
            const Protocol protocol = losses[i].flow->protocol;
            // A pair that does not tell: as the others of its hosts.
            look_at(losses[i], i,
                    filtered.contains({losses[i].sender, protocol}) ||
                        filtered.contains({losses[i].target, protocol}));
        }
        if (everywhere() && !told_apart(losses)) {
            for (auto& [host, blame] : hosts_) join(blame);
            hosts_.clear();
        }
        std::vector<FabricBlame> result;
        for (const InventoryHost& host : snapshot_.inventory.hosts)
            if (const auto at = hosts_.find(host.name); at != hosts_.end())
                result.push_back(std::move(at->second));
        if (!nobody_.losses.empty()) result.push_back(std::move(nobody_));
        return result;
    }

  private:
    // Another protocol of the same ordered pair entered: this one is filtered. Nothing if none came as far.
    std::optional<bool> another_passes(const FabricLoss& loss) {
        std::optional<bool> passes;
        for (const Protocol protocol : {Protocol::icmp, Protocol::tcp, Protocol::udp}) {
            const ProbedFlow* other = facts_.find(loss.flow->source, loss.flow->destination, protocol);
            if (other == nullptr || protocol == loss.flow->protocol) continue;
            if (loss.leg == ProbeLeg::request ? entered(places_, *other) : other->heard() > 0) return true;
            const Place place = places_.place(*other);
            if (place.kind == PlaceKind::between && place.leg == loss.leg) passes = false;
        }
        return passes;
    }

    void look_at(const FabricLoss& loss, std::size_t index, bool one_protocol) {
        const Family family = loss.flow->source.address.family();
        const auto passes = [&](const std::set<Side>& sides, const HostId& host) {
            return one_protocol ? sides.contains({host, family, loss.flow->protocol})
                                : any_protocol(sides, host, family);
        };
        const Endpoint &from = loss.from(), &to = loss.to();
        const bool sending = from.vantage == Vantage::pod && !passes(passing_.sent, loss.sender);
        const bool receiving = to.vantage == Vantage::pod && !passes(passing_.received, loss.target);
        if (sending) add(hosts_[loss.sender], loss, index, one_protocol).sending = true;
        if (receiving) add(hosts_[loss.target], loss, index, one_protocol).receiving = true;
        if (sending) hosts_[loss.sender].host = loss.sender;
        if (receiving) hosts_[loss.target].host = loss.target;
        if (!sending && !receiving) add(nobody_, loss, index, one_protocol);
    }

    static FabricBlame& add(FabricBlame& blame, const FabricLoss& loss, std::size_t index,
                            bool one_protocol) {
        if (blame.losses.empty()) blame.one_protocol = one_protocol;
        blame.one_protocol = blame.one_protocol && one_protocol;
        if (blame.losses.empty() || blame.losses.back() != index) blame.losses.push_back(index);
        blame.protocols.insert(loss.flow->protocol);
        return blame;
    }

    void join(const FabricBlame& blame) {
        nobody_.one_protocol = blame.one_protocol && (nobody_.losses.empty() || nobody_.one_protocol);
        nobody_.sending = nobody_.sending || blame.sending;
        nobody_.receiving = nobody_.receiving || blame.receiving;
        nobody_.protocols.insert(blame.protocols.begin(), blame.protocols.end());
        nobody_.losses.insert(nobody_.losses.end(), blame.losses.begin(), blame.losses.end());
        std::sort(nobody_.losses.begin(), nobody_.losses.end());
        nobody_.losses.erase(std::unique(nobody_.losses.begin(), nobody_.losses.end()), nobody_.losses.end());
    }

    // Every host whose pods were probed is under suspicion: then it is no single host's.
    bool everywhere() const {
        std::set<HostId> probed;
        for (const ProbedFlow& flow : facts_.verdicts) {
            if (flow.same_host() || flow.fate() == ProbeFate::unknown) continue;
            for (const Endpoint* end : {&flow.source, &flow.destination})
                if (end->vantage == Vantage::pod) probed.insert(end->host);
        }
        return hosts_.size() > 1 && hosts_.size() == probed.size();
    }

    // Unless the hosts are under it for other ways, each of them shown by what is lost to or from two others,
    // and the others by what passes: then it is a setting of each.
    bool told_apart(std::span<const FabricLoss> losses) const {
        const auto ways = [](const FabricBlame& blame) { return std::pair(blame.sending, blame.receiving); };
        const auto passes = [](const std::set<Side>& sides, const HostId& host) {
            return any_protocol(sides, host, Family::v4) || any_protocol(sides, host, Family::v6);
        };
        const FabricBlame& first = hosts_.begin()->second;
        bool differ = false;
        for (const auto& [host, blame] : hosts_) {
            std::set<HostId> targets, senders;
            for (const std::size_t i : blame.losses) {
                if (losses[i].sender == host) targets.insert(losses[i].target);
                if (losses[i].target == host) senders.insert(losses[i].sender);
            }
            if ((blame.sending && targets.size() < 2) || (blame.receiving && senders.size() < 2))
                return false;
            if ((!blame.sending && !passes(passing_.sent, host)) ||
                (!blame.receiving && !passes(passing_.received, host)))
                return false;
            differ = differ || ways(blame) != ways(first);
        }
        return differ;
    }

    const Snapshot& snapshot_;
    const ProbeFacts& facts_;
    Places& places_;
    Passing passing_;
    std::map<HostId, FabricBlame> hosts_;
    FabricBlame nobody_;
};

}  // namespace

std::vector<FabricBlame> blame_fabric(const Snapshot& snapshot, const ProbeFacts& facts, Places& places,
                                      std::span<const FabricLoss> losses) {
    return Blaming(snapshot, facts, places).run(losses);
}

}  // namespace podroute
