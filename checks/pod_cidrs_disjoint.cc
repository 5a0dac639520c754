// pod-cidrs-disjoint: no pod CIDR overlaps another or covers a node address. From the inventory alone.
#include "checks/checks.h"
#include "checks/common.h"

namespace podroute {
namespace {

std::string where(const Snapshot& snapshot, const HostId& name) {
    const InventoryHost* host = snapshot.inventory.find(name);
    if (host == nullptr || host->lines.empty()) return name;
    return name + " (line " + std::to_string(host->lines.back()) + ")";
}

// The host of the later line: what it says came second.
HostId later(const Snapshot& snapshot, const Overlap& overlap) {
    const InventoryHost* first = snapshot.inventory.find(overlap.first_host);
    const InventoryHost* second = snapshot.inventory.find(overlap.second_host);
    const auto line = [](const InventoryHost* host) {
        return host == nullptr || host->lines.empty() ? 0 : host->lines.back();
    };
    return line(first) > line(second) ? overlap.first_host : overlap.second_host;
}

Cause overlap_cause(const Snapshot& snapshot, const Overlap& overlap) {
    Cause cause;
    cause.code = "inventory-overlap";
    cause.host = later(snapshot, overlap);
    cause.subject = overlap.subject();
    cause.summary = overlap.covers_node ? "the pod network of " + overlap.first_host +
                                              " covers the node address of " + overlap.second_host
                                        : "the pod networks of " + overlap.first_host + " and " +
                                              overlap.second_host + " overlap";
    cause.evidence = {
        overlap.first.to_string() + " is the pod network of " + where(snapshot, overlap.first_host),
        overlap.second_text() +
            (overlap.covers_node ? " is the node address of " : " is the pod network of ") +
            where(snapshot, overlap.second_host)};
    const std::string& file = snapshot.run.machines_file;
    const InventoryHost* host = snapshot.inventory.find(cause.host);
    if (plain_word(file) && host != nullptr && !host->lines.empty())
        cause.commands = {"${EDITOR:-vi} +" + std::to_string(host->lines.back()) + " " + file};
    return cause;
}

// The verdict stands with one pod network: the later of two, or the one that covers a node.
bool is_about(const Overlap& overlap, const InventoryHost& host, const Prefix& cidr) {
    const Prefix& at_fault = overlap.covers_node ? overlap.first : overlap.second;
    const HostId& owner = overlap.covers_node ? overlap.first_host : overlap.second_host;
    return owner == host.name && at_fault == cidr;
}

}  // namespace

std::vector<Verdict> pod_cidrs_disjoint(const Snapshot& snapshot, const Expected& expected,
                                        const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        for (const Prefix& cidr : host.pod_cidrs) {
            Verdict made = verdict(host, cidr.to_string(), Status::pass, "overlaps no other network");
            for (const Overlap& overlap : expected.overlaps) {
                if (!is_about(overlap, host, cidr)) continue;
                Cause cause = overlap_cause(snapshot, overlap);
                if (made.status == Status::pass) made.message = cause.summary;
                made.status = Status::fail;
                made.causes.push_back(std::move(cause));
            }
            verdicts.push_back(std::move(made));
        }
    }
    return verdicts;
}

}  // namespace podroute
