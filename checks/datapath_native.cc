// datapath-native: no CNI with a datapath of its own runs beside the host routes. A warning: what such a CNI
// does with packets shows in no routing table.
#include <algorithm>
#include <array>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/packets.h"
#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxEvidence = 6;
constexpr std::uint8_t kProtocolBird = 12, kProtocolFelix = 80;

bool foreign_link(const std::string& name) {
    static constexpr std::array<std::string_view, 4> prefixes{"cali", "cilium_", "vxlan.calico", "antrea"};
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::vector<std::string> signs(const Snapshot& snapshot, const InventoryHost& host, const HostFacts& facts) {
    std::vector<std::string> found;
    for (const Link& link : *facts.links)
        if (foreign_link(link.name)) found.push_back("link " + link.name);
    for (const std::uint32_t index : uplinks(snapshot, host, facts)) {
        const Link* link = find_link(facts, index);
        if (link != nullptr && link->xdp) found.push_back("a BPF program on the uplink " + link->name);
    }
    if (!facts.routes.known()) return found;
    for (const Route& route : *facts.routes)
        if (route.protocol == kProtocolBird || route.protocol == kProtocolFelix)
            found.push_back("route " + route_text(route, facts) + " of protocol " +
                            (route.protocol == kProtocolBird ? "bird" : "80"));
    return found;
}

Cause foreign_cause(const InventoryHost& host, std::vector<std::string> found) {
    Cause cause;
    cause.code = "datapath-foreign";
    cause.severity = Severity::warning;
    cause.host = host.name;
    cause.subject = "datapath";
    cause.summary = "a CNI with its own datapath runs on " + host.name;
    const std::size_t all = found.size();
    if (all > kMaxEvidence) found.resize(kMaxEvidence);
    cause.evidence = std::move(found);
    if (all > kMaxEvidence)
        cause.evidence.push_back("and " + std::to_string(all - kMaxEvidence) + " more signs");
    cause.commands = {on_host(host.name, "ls /etc/cni/net.d")};
    return cause;
}

}  // namespace

std::set<HostId> foreign_datapaths(const Snapshot& snapshot) {
    std::set<HostId> hosts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const HostFacts* facts = host.pod_cidrs.empty() ? nullptr : facts_of(snapshot, host.name);
        if (facts != nullptr && facts->links.known() && !signs(snapshot, host, *facts).empty())
            hosts.insert(host.name);
    }
    return hosts;
}

std::vector<Verdict> datapath_native(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    const std::string subject = "datapath";
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        if (host.pod_cidrs.empty()) continue;
        const HostFacts* facts = facts_of(snapshot, host.name);
        if (facts == nullptr) {
            verdicts.push_back(not_read(snapshot, host, subject));
        } else if (!facts->links.known()) {
            verdicts.push_back(part_not_read(host, subject, "the links", facts->links.unknown()));
        } else if (auto found = signs(snapshot, host, *facts); !found.empty()) {
            verdicts.push_back(warned(host, subject, foreign_cause(host, std::move(found))));
        } else {
            verdicts.push_back(verdict(host, subject, Status::pass, "no other datapath was seen"));
        }
    }
    return verdicts;
}

}  // namespace podroute
