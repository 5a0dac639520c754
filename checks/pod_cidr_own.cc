// pod-cidr-own: a node's own pod network is the one of machines.txt, and its packets stay on the node.
#include <algorithm>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/own_bridge.h"
#include "checks/own_network.h"
#include "checks/own_route.h"
#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

const Link* down_bridge(const InventoryHost& host, const HostFacts& facts) {
    const auto index = roles(facts, host).pod_bridge;
    const Link* bridge = index ? find_link(facts, *index) : nullptr;
    return bridge != nullptr && !bridge->admin_up() ? bridge : nullptr;
}

bool overlapping(const Expected& expected, const Prefix& cidr) {
    return std::any_of(expected.overlaps.begin(), expected.overlaps.end(), [&](const Overlap& overlap) {
        return overlap.first == cidr || (!overlap.covers_node && overlap.second == cidr);
    });
}

// A file that could not be understood, and may be the one that the container runtime uses: the first by name.
// The kubelet's file counts where nothing else tells the network.
std::optional<std::string> not_understood(const HostFacts& facts, bool on_bridge) {
    const CniConfig& cni = *facts.cni;
    for (const std::string& text : cni.unreadable) {
        const std::string file = text.substr(0, text.find(": "));
        const bool kubelet = file.starts_with('/');
        if (cni.networks.empty() && (!kubelet || !on_bridge)) return text;
        if (!cni.networks.empty() && !kubelet && file < cni.networks.front().file) return text;
    }
    return std::nullopt;
}

std::string pass_text(const InventoryHost& host, const HostFacts& facts, const Prefix& cidr) {
    const Link* bridge = bridge_with(facts, host, cidr);
    return bridge != nullptr ? "on " + bridge->name : "no bridge carries it yet, it comes with the first pod";
}

Verdict judge_cidr(const Snapshot& snapshot, const InventoryHost& host, const Prefix& cidr,
                   const Expected& expected) {
    const std::string subject = cidr.to_string();
    const HostFacts* facts = facts_of(snapshot, host.name);
    if (facts == nullptr) return not_read(snapshot, host, subject);
    if (!facts->links.known()) return part_not_read(host, subject, "the links", facts->links.unknown());
    if (!facts->addresses.known())
        return part_not_read(host, subject, "the addresses", facts->addresses.unknown());
    if (overlapping(expected, cidr))
        return blocked(host, subject, "inventory-overlap", "it overlaps another network of the inventory");
    auto mismatch = network_mismatch(host, *facts, cidr, expected);
    if (mismatch && mismatch->severity == Severity::error) return failed(host, subject, std::move(*mismatch));
    if (const Link* bridge = down_bridge(host, *facts))
        return blocked(host, subject, "link-down", bridge->name + " is down");
    if (!facts->routes.known()) return part_not_read(host, subject, "the routes", facts->routes.unknown());
    if (!facts->rules.known())
        return part_not_read(host, subject, "the policy rules", facts->rules.unknown());
    if (auto cause = own_route_cause(snapshot, host, *facts, cidr))
        return failed(host, subject, std::move(*cause));
    if (!facts->cni.known())
        return part_not_read(host, subject, "the CNI configuration", facts->cni.unknown());
    if (mismatch) return warned(host, subject, std::move(*mismatch));
    if (const auto text = not_understood(*facts, bridge_with(*facts, host, cidr) != nullptr))
        return verdict(host, subject, Status::unknown,
                       "the CNI configuration could not be understood: " + *text);
    return verdict(host, subject, Status::pass, pass_text(host, *facts, cidr));
}

}  // namespace

std::string own_network_fault(const Snapshot& snapshot, const InventoryHost& host, const Expected& expected) {
    for (const Prefix& cidr : host.pod_cidrs) {
        const Verdict made = judge_cidr(snapshot, host, cidr, expected);
        if (made.status == Status::fail && !made.causes.empty()) return made.causes.front().code;
        if (made.status == Status::skip && !made.blocked_by.empty()) return made.blocked_by;
    }
    return {};
}

std::vector<Verdict> pod_cidr_own(const Snapshot& snapshot, const Expected& expected, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts)
        for (const Prefix& cidr : host.pod_cidrs)
            verdicts.push_back(judge_cidr(snapshot, host, cidr, expected));
    return verdicts;
}

}  // namespace podroute
