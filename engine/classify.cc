// The route class of faults.md: samples are looked up, the first class that fits is taken, and what is wrong
// behind it is looked for.
#include "engine/classify.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/sample_class.h"
#include "engine/sample_fates.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxFurther = 4;

bool is_neighbour(RouteClass c) {
    return c == RouteClass::neighbour_wrong || c == RouteClass::gateway_unresolved;
}

// Two rules that divert the same packets are one cause with two remedies: its id tells no more.
void add_further(Classification& result, Cause cause) {
    Cause* same = result.cause->code == cause.code ? &*result.cause : nullptr;
    for (Cause& other : result.further)
        if (other.code == cause.code) same = &other;
    if (same == nullptr) return result.further.push_back(std::move(cause));
    const auto append = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    append(same->evidence, cause.evidence);
    append(same->remedy, cause.remedy);
    append(same->commands, cause.commands);
    same->automatic = std::max(same->automatic, cause.automatic);  // never is the most
}

// The case that is left when the causes so far are mended: as long as it is wrong, there is another. Where
// the kernel contradicts its own tables (evidence), they do not tell.
void look_behind(const HostContext& host, RouteCase c, Classification& result) {
    if (!result.cause || !c.evidence.empty() || is_neighbour(result.route_class)) return;
    std::vector<HostChange> remedy = result.cause->remedy;
    for (std::size_t round = 0; round < kMaxFurther && !remedy.empty(); ++round) {
        for (const HostChange& change : remedy) c.mended.push_back(change.change);
        c.samples.clear();
        const Fib mended = host.fib.with(c.mended);
        sample_fates(host, mended, c);
        Classification behind;
        classify_samples(host, c, behind);
        if (!behind.cause) return;
        remedy = behind.cause->remedy;
        add_further(result, std::move(*behind.cause));
        if (is_neighbour(behind.route_class)) return;
    }
}

Classification unknown(const ExpectedRoute& expected, const std::string& why, const std::string& code) {
    Classification result;
    result.expected = expected.pod_cidr.to_string() + " via " + expected.next_hop.to_string();
    result.why = why;
    result.blocked_by = code;
    return result;
}

}  // namespace

struct Classifier::Impl {
    const Snapshot& snapshot;
    std::set<Prefix> overlapping;
    std::map<HostId, std::unique_ptr<HostContext>> hosts;
    std::map<HostId, OwnerAddresses> owners;

    explicit Impl(const Snapshot& s) : snapshot(s) {
        for (const Overlap& overlap : expect(snapshot.inventory).overlaps) {
            overlapping.insert(overlap.first);
            if (!overlap.covers_node) overlapping.insert(overlap.second);
        }
    }

    const HostContext& context(const HostFacts& facts, const InventoryHost& host) {
        auto& slot = hosts[host.name];
        if (!slot) slot = std::make_unique<HostContext>(snapshot, facts, host);
        return *slot;
    }
    const OwnerAddresses& addresses_of(const InventoryHost& owner) {
        const auto at = owners.find(owner.name);
        return at != owners.end() ? at->second
                                  : owners.emplace(owner.name, OwnerAddresses(snapshot, owner)).first->second;
    }
};

Classifier::Classifier(const Snapshot& snapshot) : impl_(std::make_unique<Impl>(snapshot)) {}
Classifier::~Classifier() = default;

Classification Classifier::classify(const ExpectedRoute& expected) {
    if (impl_->overlapping.contains(expected.pod_cidr))
        return unknown(expected, "the pod CIDR overlaps another network of the inventory",
                       "inventory-overlap");
    const auto facts = impl_->snapshot.hosts.find(expected.host);
    const InventoryHost* host = impl_->snapshot.inventory.find(expected.host);
    const InventoryHost* owner = impl_->snapshot.inventory.find(expected.owner);
    if (facts == impl_->snapshot.hosts.end() || host == nullptr || owner == nullptr)
        return unknown(expected, "the facts of " + expected.host + " were not read", "");
    if (!facts->second.known())
        return unknown(expected, facts->second.unknown().why, facts->second.unknown().code);
    const HostContext& context = impl_->context(*facts->second, *host);
    if (!context.fib.known()) return unknown(expected, "the routing tables could not be read", "");

    Classification result = unknown(expected, "", "");
    RouteCase c{impl_->snapshot, expected, context.facts, impl_->addresses_of(*owner), 0, {}, {}, {}};
    c.uplink = context.link_towards(expected.next_hop);
    sample_fates(context, context.fib, c);
    if (const Link* link = down_link(context, c)) {
        result.route_class = RouteClass::link_down;
        result.why = link->name + " is down";
        result.observed = result.why;
        result.blocked_by = "link-down";
        return result;
    }
    classify_samples(context, c, result);
    look_behind(context, c, result);
    return result;
}

Classification classify(const Snapshot& snapshot, const ExpectedRoute& expected) {
    return Classifier(snapshot).classify(expected);
}

}  // namespace podroute
