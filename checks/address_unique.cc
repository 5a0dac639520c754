// address-unique: no two machines share a node address or a link-layer address.
#include "checks/checks.h"
#include "checks/common.h"
#include "checks/duplicates.h"

namespace podroute {
namespace {

Verdict judge_address(const Snapshot& snapshot, const InventoryHost& host, const Address& address,
                      const std::vector<Duplicate>& duplicates) {
    const std::string subject = address.to_string();
    Verdict made = verdict(host, subject, Status::pass, "no other machine was seen with it");
    for (const Duplicate& d : duplicates) {
        if (d.owner != host.name || d.address != address) continue;
        if (made.status == Status::pass) made.message = d.cause.summary;
        made.status = Status::fail;
        made.causes.push_back(d.cause);
    }
    if (made.status == Status::fail) return made;
    const HostFacts* facts = facts_of(snapshot, host.name);
    if (facts == nullptr) return not_read(snapshot, host, subject);
    if (lacks_address(snapshot, host, address.family()))
        return blocked(host, subject, "address-missing", host.name + " does not carry it");
    if (!facts->links.known()) return part_not_read(host, subject, "the links", facts->links.unknown());
    return made;
}

}  // namespace

std::vector<Verdict> address_unique(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    const auto duplicates = find_duplicates(snapshot);
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts)
        for (const Address& address : host.addresses)
            verdicts.push_back(judge_address(snapshot, host, address, duplicates));
    return verdicts;
}

}  // namespace podroute
