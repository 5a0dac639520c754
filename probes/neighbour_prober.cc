// From FIB answers to gateways, from gateways to questions, from frames to who answered.
#include "probes/neighbour_prober.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <unordered_map>

#include "probes/arp.h"
#include "probes/filter.h"

namespace podroute {
namespace {

constexpr std::uint16_t kConfirmed = 2 | 64 | 128;  // NUD_REACHABLE, NUD_NOARP, NUD_PERMANENT
// ms. The kernel asks three times, a second apart, and calls an entry failed a little after the third
// (measured: an entry in PROBE was still there after 3.0 s).
constexpr std::uint32_t kWait = 3500;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

const HostFacts* facts_of(const Snapshot& snapshot, const HostId& host) {
    const auto at = snapshot.hosts.find(host);
    return at != snapshot.hosts.end() && at->second.known() ? &*at->second : nullptr;
}

bool carries(const HostFacts& facts, const Address& address) {
    return facts.addresses.known() &&
           std::any_of(facts.addresses->begin(), facts.addresses->end(),
                       [&](const InterfaceAddress& a) { return a.address == address; });
}

const Link* link_of(const HostFacts& facts, std::uint32_t ifindex) {
    if (!facts.links.known()) return nullptr;
    const auto at = std::find_if(facts.links->begin(), facts.links->end(),
                                 [&](const Link& l) { return l.index == ifindex; });
    return at == facts.links->end() ? nullptr : &*at;
}

// Whose a pod or node address is, by the inventory. Asked of every next hop of every host.
class Owners {
  public:
    explicit Owners(const Inventory& inventory) {
        for (const auto& host : inventory.hosts) {
            for (const auto& cidr : host.pod_cidrs) cidrs_.emplace_back(cidr, &host);
            for (const auto& address : host.addresses) nodes_.emplace(address, &host);
        }
        std::sort(cidrs_.begin(), cidrs_.end());
    }
    // CIDRs that overlap are a fault of the inventory; any of the owners will do then.
    const InventoryHost* of_pod(const Address& address) const {
        auto at = std::upper_bound(cidrs_.begin(), cidrs_.end(), address,
                                   [](const Address& a, const auto& c) { return a < c.first.network(); });
        if (at == cidrs_.begin()) return nullptr;
        --at;
        return at->first.contains(address) ? at->second : nullptr;
    }
    const InventoryHost* of_node(const Address& address) const {
        const auto at = nodes_.find(address);
        return at == nodes_.end() ? nullptr : at->second;
    }

  private:
    std::unordered_map<Address, const InventoryHost*> nodes_;
    std::vector<std::pair<Prefix, const InventoryHost*>> cidrs_;
};

// One next hop that is worth a question.
struct Gateway {
    Address address;
    std::uint32_t ifindex = 0;
    const HostFacts* owner = nullptr;
    const Neighbour* entry = nullptr;  // null: none in the table

    bool confirmed() const { return entry != nullptr && (entry->state & kConfirmed) != 0; }
    // The entry holds a MAC that the owner has on none of its links.
    bool foreign_mac() const {
        if (entry == nullptr || entry->mac.empty() || !owner->links.known()) return false;
        return std::none_of(owner->links->begin(), owner->links->end(),
                            [&](const Link& l) { return lower(l.mac) == lower(entry->mac); });
    }
};

class HostPlanner {
  public:
    HostPlanner(const Snapshot& snapshot, const Owners& owners, const InventoryHost& host,
                const HostFacts& facts)
        : snapshot_(snapshot), owners_(owners), host_(host), facts_(facts) {
        if (facts.neighbours.known())
            for (const Neighbour& n : *facts.neighbours) entries_[{n.address, n.ifindex}] = &n;
    }

    const std::vector<CapturePoint>& points() const { return points_; }

    HostTask plan() {
        find_gateways();
        HostTask task;
        for (const Gateway& g : gateways_)
            if (!g.confirmed() && task.solicitations.size() < kMaxSolicitations)
                task.solicitations.push_back({g.address, g.ifindex});
        // What is permanent comes first: nothing else will ever mend it.
        for (const bool permanent : {true, false})
            for (const Gateway& g : gateways_)
                if (g.foreign_mac() && g.entry->permanent() == permanent) ask(task, g);
        if (const Gateway* next = next_in_ring(); next != nullptr && !next->foreign_mac()) ask(task, *next);
        for (const auto& [ifindex, addresses] : asked_) listen(task, ifindex, addresses);
        return task;
    }

  private:
    void find_gateways() {
        if (!facts_.fib.known()) return;
        std::set<std::pair<Address, std::uint32_t>> seen;
        for (const FibAnswer& answer : *facts_.fib) {
            if (answer.error != 0) continue;
            add_control_host(answer, seen);
            const InventoryHost* peer = owners_.of_pod(answer.query.destination);
            if (peer == nullptr || peer->name == host_.name) continue;
            for (const NextHop& hop : answer.next_hops)
                if (hop.gateway && seen.emplace(*hop.gateway, hop.ifindex).second) add(*peer, hop);
        }
    }

    // Pods reach a control host by its node address: on the same link it is its own next hop.
    void add_control_host(const FibAnswer& answer, std::set<std::pair<Address, std::uint32_t>>& seen) {
        const Address& address = answer.query.destination;
        const InventoryHost* peer = owners_.of_node(address);
        const bool wanted = peer != nullptr && peer->pod_cidrs.empty() && !host_.pod_cidrs.empty() &&
                            answer.query.iif.empty() && answer.type == RouteType::unicast;
        if (!wanted) return;
        for (NextHop hop : answer.next_hops) {
            if (hop.gateway || !seen.emplace(address, hop.ifindex).second) continue;
            hop.gateway = address;
            add(*peer, hop);
        }
    }

    void add(const InventoryHost& peer, const NextHop& hop) {
        // Over a link that is down nobody answers, and the link is the fault.
        const Link* link = link_of(facts_, hop.ifindex);
        if (hop.dead() || (link != nullptr && (!link->admin_up() || !link->carrier))) return;
        const HostFacts* owner = owner_of(peer, *hop.gateway);
        if (owner == nullptr) return;
        const auto entry = entries_.find({*hop.gateway, hop.ifindex});
        gateways_.push_back(
            {*hop.gateway, hop.ifindex, owner, entry == entries_.end() ? nullptr : entry->second});
    }

    // Null: nobody of ours, this host itself, or not read.
    const HostFacts* owner_of(const InventoryHost& peer, const Address& gateway) const {
        if (const InventoryHost* node = owners_.of_node(gateway))
            return node->name == host_.name ? nullptr : facts_of(snapshot_, node->name);
        const HostFacts* owner = facts_of(snapshot_, peer.name);
        return owner != nullptr && carries(*owner, gateway) ? owner : nullptr;
    }

    // The host that follows this one in the inventory, of those that are on the same link. Each address is so
    // asked for once, whatever the neighbour tables hold: a second machine that has it must not depend on who
    // answered first.
    const Gateway* next_in_ring() {
        if (facts_.uid != 0)
            return nullptr;  // no packet sockets without privilege; the rest of the round must not fail for
                             // it
        const auto& hosts = snapshot_.inventory.hosts;
        const auto self = static_cast<std::size_t>(&host_ - hosts.data());
        for (std::size_t i = 1; i < hosts.size(); ++i) {
            const InventoryHost& next = hosts[(self + i) % hosts.size()];
            const HostFacts* owner = facts_of(snapshot_, next.name);
            for (const Address& address : next.addresses)
                if (const auto link = on_link(address); owner != nullptr && link) {
                    const auto entry = entries_.find({address, *link});
                    ring_ = Gateway{address, *link, owner, entry == entries_.end() ? nullptr : entry->second};
                    return &*ring_;
                }
        }
        return nullptr;
    }

    // The link by which the kernel reaches this node address without a gateway.
    std::optional<std::uint32_t> on_link(const Address& address) const {
        if (!facts_.fib.known()) return std::nullopt;
        for (const FibAnswer& answer : *facts_.fib) {
            const bool direct = answer.query.destination == address && answer.query.iif.empty() &&
                                answer.error == 0 && answer.type == RouteType::unicast &&
                                answer.next_hops.size() == 1 && !answer.next_hops[0].gateway;
            const Link* link = direct ? link_of(facts_, answer.next_hops[0].ifindex) : nullptr;
            if (link != nullptr && link->admin_up() && link->carrier) return link->index;
        }
        return std::nullopt;
    }

    void ask(HostTask& task, const Gateway& gateway) {
        const Link* link = link_of(facts_, gateway.ifindex);
        const auto source = source_for(gateway);
        if (link == nullptr || !source || task.frames.size() >= kMaxQuestions) return;
        auto frame = craft_question(link->mac, *source, gateway.address);
        if (!frame) return;  // a link without Ethernet addresses resolves none
        task.frames.push_back({gateway.ifindex, 0, std::move(*frame)});
        asked_[gateway.ifindex].push_back(gateway.address);
    }

    // The link's own address in the gateway's network, else any of the family.
    std::optional<Address> source_for(const Gateway& gateway) const {
        if (!facts_.addresses.known()) return std::nullopt;
        std::optional<Address> any;
        for (const InterfaceAddress& a : *facts_.addresses) {
            if (a.ifindex != gateway.ifindex || a.address.family() != gateway.address.family()) continue;
            if (a.network().contains(gateway.address)) return a.address;
            if (!any) any = a.address;
        }
        return any;
    }

    void listen(HostTask& task, std::uint32_t ifindex, const std::vector<Address>& addresses) {
        auto filter = compile_filter(answers_expression(link_of(facts_, ifindex)->mac, addresses), kSnaplen);
        if (!filter) return;  // without answers the questions have none to tell: read() says so
        const auto most = static_cast<std::uint32_t>(addresses.size() * kMaxMacs);
        task.captures.push_back({ifindex, std::move(*filter), kSnaplen, most});
        points_.push_back({ifindex, 0, link_of(facts_, ifindex)->name, link_of(facts_, ifindex)->mac});
    }

    const Snapshot& snapshot_;
    const Owners& owners_;
    const InventoryHost& host_;
    const HostFacts& facts_;
    std::map<std::pair<Address, std::uint32_t>, const Neighbour*> entries_;
    std::vector<Gateway> gateways_;
    std::vector<CapturePoint> points_;
    std::map<std::uint32_t, std::vector<Address>> asked_;
    std::optional<Gateway> ring_;
};

// The addresses a task asks for, in its order, nobody having answered yet.
std::vector<NeighbourAnswers> questions_of(const HostTask& task) {
    std::vector<NeighbourAnswers> out;
    for (const Frame& frame : task.frames)
        if (const auto address = read_question(frame.bytes)) out.push_back({*address, frame.ifindex, {}});
    return out;
}

std::vector<NeighbourAnswers> answers_in(const HostTask& task, std::span<const Frame> frames) {
    auto answers = questions_of(task);
    std::map<std::pair<Address, std::uint32_t>, std::vector<std::string>*> open;
    for (auto& a : answers) open[{a.address, a.ifindex}] = &a.macs;
    for (const Frame& frame : frames) {
        const auto answer = read_answer(frame.bytes);
        if (!answer) continue;
        const auto at = open.find({answer->address, frame.ifindex});
        if (at == open.end()) continue;
        auto& macs = *at->second;
        if (macs.size() < kMaxMacs && std::find(macs.begin(), macs.end(), answer->mac) == macs.end())
            macs.push_back(answer->mac);
    }
    return answers;
}

HostFindings findings(const HostTask& task, const HostCatch& caught) {
    HostFindings out;
    const std::set<FibQuery> queries(task.lookups.begin(), task.lookups.end());
    for (const FibAnswer& a : caught.lookups)
        if (queries.contains(a.query)) out.lookups.push_back(a);
    std::set<std::pair<Address, std::uint32_t>> open;
    for (const SolicitTarget& t : task.solicitations) open.emplace(t.address, t.ifindex);
    for (const Neighbour& n : caught.solicited)
        if (open.erase({n.address, n.ifindex}) != 0) out.solicited.push_back(n);
    out.answers = answers_in(task, caught.frames);
    return out;
}

}  // namespace

std::optional<RoundPlan> NeighbourProber::next(const Snapshot& snapshot) {
    if (!snapshot.rounds.empty()) return std::nullopt;
    const Owners owners(snapshot.inventory);
    RoundPlan plan;
    plan.wait_ms = kWait;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const HostFacts* facts = facts_of(snapshot, host.name);
        if (facts == nullptr) continue;
        HostPlanner planner(snapshot, owners, host, *facts);
        HostTask task = planner.plan();
        if (task.solicitations.empty() && task.frames.empty()) continue;
        if (!planner.points().empty()) plan.script.points[host.name] = planner.points();
        plan.tasks[host.name] = std::move(task);
    }
    return plan.tasks.empty() ? std::nullopt : std::optional(std::move(plan));
}

bool NeighbourProber::complete(const RoundPlan& plan, const HostId& host, std::span<const Frame> frames) {
    const auto task = plan.tasks.find(host);
    if (task == plan.tasks.end()) return true;
    const auto answers = answers_in(task->second, frames);
    return std::none_of(answers.begin(), answers.end(),
                        [](const NeighbourAnswers& a) { return a.macs.empty(); });
}

RoundResult NeighbourProber::read(const RoundPlan& plan, const Caught& caught) {
    RoundResult result;
    for (const auto& [host, task] : plan.tasks) {
        const auto at = caught.find(host);
        if (at == caught.end())
            result.hosts[host] = Unknown{"the host was not asked", "", ""};
        else if (!at->second.known())
            result.hosts[host] = at->second.unknown();
        else
            result.hosts[host] = findings(task, *at->second);
    }
    return result;
}

}  // namespace podroute
