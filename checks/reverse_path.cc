// reverse-path: the strict reverse path filter lets the cluster's packets in. IPv4 only (RFC 3704
// section 2.2;
// __fib_validate_source() of net/ipv4/fib_frontend.c).
//
// Each packet that pods of this node should get is followed back: it must leave by the link it came in by. A
// wrong route that makes it fail is a cause of its own, and then this check steps back.
#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/sysctls.h"
#include "engine/classify.h"
#include "engine/fib.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxEvidence = 4;
constexpr int kStrict = 1, kLoose = 2;

std::optional<Prefix> pod_network(const InventoryHost& host) {
    for (const Prefix& cidr : host.pod_cidrs)
        if (cidr.family() == Family::v4) return cidr;
    return std::nullopt;
}

struct Drop {
    std::uint32_t ifindex = 0;
    std::string line;
};

class Filter {
  public:
    Filter(const Snapshot& snapshot, const Expected& expected)
        : snapshot_(snapshot), expected_(expected), classifier_(snapshot) {}

    Verdict judge(const InventoryHost& host, const Prefix& own) {
        const std::string subject = "IPv4";
        const HostFacts* facts = facts_of(snapshot_, host.name);
        if (facts == nullptr) return not_read(snapshot_, host, subject);
        const Fib* fib = fib_of(host.name);
        if (fib == nullptr || !facts->addresses.known())
            return verdict(host, subject, Status::unknown, "links, addresses, routes or rules were not read");
        drops_.clear();
        blocker_.clear();
        unread_.clear();
        for (const InventoryHost& peer : snapshot_.inventory.hosts)
            if (peer.name != host.name) look_at(host, *facts, *fib, own, peer);
        look_at_kernel_answers(host, *facts, own);
        return conclude(host, *facts, subject);
    }

  private:
    const Fib* fib_of(const HostId& name) {
        auto& slot = fibs_[name];
        const HostFacts* facts = facts_of(snapshot_, name);
        if (!slot && facts != nullptr) slot = std::make_unique<Fib>(*facts);
        return slot && slot->known() ? slot.get() : nullptr;
    }

    // The links by which the peer's packets to our pods come in, by its own tables; else the one with the
    // inventory address.
    std::vector<std::uint32_t> entries(const InventoryHost& host, const HostFacts& facts, const Prefix& own,
                                       const InventoryHost& peer) {
        std::vector<std::uint32_t> found;
        if (const Fib* fib = fib_of(peer.name)) {
            const FibMatch match = fib->lookup(output_query(own.sample_pod()));
            for (const NextHop& hop : match.answer.next_hops)
                if (hop.gateway)
                    if (const InterfaceAddress* at = find_address(facts, *hop.gateway))
                        found.push_back(at->ifindex);
        }
        if (!found.empty()) return found;
        const auto address = host.address(Family::v4);
        const InterfaceAddress* at = address ? find_address(facts, *address) : nullptr;
        if (at != nullptr) found.push_back(at->ifindex);
        return found;
    }

    // What pods of this node hear from the peer: its pods, or itself where it has none.
    static std::optional<Address> source_of(const InventoryHost& peer) {
        if (const auto network = pod_network(peer)) return network->sample_pod();
        return peer.pod_cidrs.empty() ? peer.address(Family::v4) : std::nullopt;
    }

    void look_at(const InventoryHost& host, const HostFacts& facts, const Fib& fib, const Prefix& own,
                 const InventoryHost& peer) {
        const auto source = source_of(peer);
        if (!source) return;
        const auto bridge = roles(facts, host).pod_bridge;
        for (const std::uint32_t index : entries(host, facts, own, peer)) {
            const std::string link = link_name(facts, index);
            const Setting filter = effective_rp_filter(facts, link);
            if (filter.state == Setting::State::unreadable) unread_ = filter.why;
            if (!filter.is(kStrict)) continue;
            FibQuery back = output_query(*source);
            back.source = own.sample_pod();
            back.iif = bridge ? link_name(facts, *bridge) : "lo";
            const FibMatch match = fib.lookup(back);
            const bool found = match.answer.error == 0 && match.answer.type == RouteType::unicast;
            const bool passes =
                found && std::any_of(match.answer.next_hops.begin(), match.answer.next_hops.end(),
                                     [&](const NextHop& hop) { return hop.ifindex == index; });
            if (passes || !routes_right(host, peer)) continue;
            if (!found) continue;  // there is no way back at all: the loose filter would drop it too
            add({index, "packets from " + source->to_string() + " of " + peer.name + " come in by " + link +
                            ", the way back is " + answer_text(match.answer, facts)});
        }
    }

    void look_at_kernel_answers(const InventoryHost& host, const HostFacts& facts, const Prefix& own) {
        if (!facts.fib.known()) return;
        for (const FibAnswer& answer : *facts.fib) {
            const FibQuery& query = answer.query;
            const bool filtered = answer.error == EINVAL || answer.error == EXDEV;
            if (!filtered || query.iif.empty() || !query.source || !own.contains(query.destination)) continue;
            const Link* link = link_named(facts, query.iif);
            const InventoryHost* peer = pods_owner(*query.source);
            const Setting filter = effective_rp_filter(facts, query.iif);
            if (link == nullptr || peer == nullptr || peer->name == host.name) continue;
            if (!filter.is(kStrict) && !filter.is(kLoose)) continue;
            if (!output_is_fine(facts, query.destination) || !routes_right(host, *peer)) continue;
            add({link->index, "the kernel drops packets from " + query.source->to_string() +
                                  " that come in by " + link->name});
        }
    }

    static bool output_is_fine(const HostFacts& facts, const Address& destination) {
        return std::any_of(facts.fib->begin(), facts.fib->end(), [&](const FibAnswer& answer) {
            return answer.query == output_query(destination) && answer.error == 0;
        });
    }

    static const Link* link_named(const HostFacts& facts, const std::string& name) {
        for (const Link& link : *facts.links)
            if (link.name == name) return &link;
        return nullptr;
    }

    const InventoryHost* pods_owner(const Address& address) const {
        for (const InventoryHost& host : snapshot_.inventory.hosts)
            for (const Prefix& cidr : host.pod_cidrs)
                if (cidr.contains(address)) return &host;
        return nullptr;
    }

    // Whether this host's routes to the peer's pods are judged right; if not, says what blocks this check.
    bool routes_right(const InventoryHost& host, const InventoryHost& peer) {
        for (const ExpectedRoute& route : expected_.routes) {
            if (route.host != host.name || route.owner != peer.name || route.pod_cidr.family() != Family::v4)
                continue;
            const Classification c = classifier_.classify(route);
            if (c.route_class == RouteClass::right) continue;
            blocker_ = c.cause ? c.cause->code : c.blocked_by.empty() ? "route-present" : c.blocked_by;
            return false;
        }
        return true;
    }

    void add(Drop drop) { drops_.push_back(std::move(drop)); }

    Verdict conclude(const InventoryHost& host, const HostFacts& facts, const std::string& subject) {
        std::map<std::uint32_t, Cause> causes;
        for (const Drop& drop : drops_) {
            Cause& cause = causes[drop.ifindex];
            if (cause.code.empty()) cause = cause_of(host, facts, link_name(facts, drop.ifindex));
            if (cause.evidence.size() < kMaxEvidence) cause.evidence.push_back(drop.line);
        }
        if (!causes.empty()) {
            Verdict made = failed(host, subject, causes.begin()->second);
            for (auto at = std::next(causes.begin()); at != causes.end(); ++at)
                made.causes.push_back(at->second);
            return made;
        }
        if (!blocker_.empty())
            return blocked(host, subject, blocker_, "a route that is not right comes first");
        if (!unread_.empty()) return verdict(host, subject, Status::unknown, "rp_filter: " + unread_);
        return verdict(host, subject, Status::pass, "packets of the cluster are let in");
    }

    static Cause cause_of(const InventoryHost& host, const HostFacts& facts, const std::string& link) {
        const std::string name = "ipv4/conf/" + link + "/rp_filter";
        Cause cause;
        cause.code = "rp-filter-drop";
        cause.host = host.name;
        cause.subject = setting_name(name);
        cause.summary =
            "the strict reverse path filter of " + host.name + " drops packets that come in by " + link;
        cause.automatic = Automatic::repair;
        cause.remedy.push_back(setting_change(host.name, facts, name, kLoose));
        const std::string command = setting_command(host.name, name, kLoose);
        if (!command.empty()) cause.commands.push_back(command);
        return cause;
    }

    const Snapshot& snapshot_;
    const Expected& expected_;
    Classifier classifier_;
    std::map<HostId, std::unique_ptr<Fib>> fibs_;
    std::vector<Drop> drops_;  // of the host under way
    std::string blocker_, unread_;
};

}  // namespace

std::vector<Verdict> reverse_path(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    Filter filter(snapshot, expected);
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts)
        if (const auto own = pod_network(host)) verdicts.push_back(filter.judge(host, *own));
    return verdicts;
}

}  // namespace podroute
