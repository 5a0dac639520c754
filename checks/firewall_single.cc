// firewall-single: rules of iptables-legacy and iptables-nft do not stand beside each other. A warning: both
// are asked for every packet, and each tool shows only its own.
#include "checks/checks.h"
#include "checks/common.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

Cause mixed_cause(const InventoryHost& host) {
    Cause cause;
    cause.code = "firewall-mixed";
    cause.severity = Severity::warning;
    cause.host = host.name;
    cause.subject = "netfilter";
    cause.summary = host.name + " has rules of iptables-legacy and of iptables-nft";
    cause.evidence = {"both are asked for every packet, and each tool shows only its own"};
    cause.commands = {on_host(host.name, "iptables-legacy-save"), on_host(host.name, "iptables-nft-save")};
    return cause;
}

}  // namespace

std::vector<Verdict> firewall_single(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    const std::string subject = "netfilter";
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const HostFacts* facts = facts_of(snapshot, host.name);
        if (facts == nullptr) {
            verdicts.push_back(not_read(snapshot, host, subject));
        } else if (!facts->firewall.known()) {
            verdicts.push_back(part_not_read(host, subject, "the firewall", facts->firewall.unknown()));
        } else if (facts->firewall->legacy_rules && facts->firewall->nft_rules) {
            verdicts.push_back(warned(host, subject, mixed_cause(host)));
        } else {
            verdicts.push_back(verdict(host, subject, Status::pass, "one kind of rules at most"));
        }
    }
    return verdicts;
}

}  // namespace podroute
