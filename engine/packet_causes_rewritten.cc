// Somebody gives packets another source, or another destination.
#include <algorithm>

#include "engine/carrier.h"
#include "engine/filter_chains.h"
#include "engine/packet_causes.h"
#include "engine/packet_words.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

bool all_addresses_read(const Snapshot& snapshot) {
    return std::all_of(
        snapshot.inventory.hosts.begin(), snapshot.inventory.hosts.end(), [&](const InventoryHost& host) {
            const auto facts = snapshot.hosts.find(host.name);
            return facts != snapshot.hosts.end() && facts->second.known() && facts->second->addresses.known();
        });
}

}  // namespace

PacketFault& PacketCauses::rewritten_entry(const ProbedFlow& flow, const HostId& host, const Address& to) {
    std::string subject = flow.source.address.to_string();
    if (flow.source.vantage == Vantage::pod)
        subject = networks_text(snapshot_.inventory, flow.source.host, flow.source.address.family());
    PacketFault& made = faults_.at("nat-rewritten", host, subject);
    if (!made.cause.summary.empty()) return made;
    made.cause.severity = Severity::warning;
    made.cause.summary = host + " rewrites the source of packets from " + subject + " to " + to.to_string();
    made.cause.commands = {on_host(host, "iptables-save -t nat"), on_host(host, "nft list ruleset")};
    return made;
}

void PacketCauses::add_rewritten(const ProbedFlow& flow, const std::string& check_id) {
    const HostId found = carrier(snapshot_, flow, *flow.source_seen);
    const HostId host = found.empty() ? flow.source.host : found;
    faults_.count(rewritten_entry(flow, host, *flow.source_seen), flow, check_id, false);
}

// Of the hosts that the packets passed, the first that translates sources. Empty if none does, or if the new
// source is of one of them: answers find back to that.
HostId PacketCauses::rewriter_of(const ProbedFlow& flow) {
    std::vector<HostId> passed{flow.source.host};
    for (const Seen& at : places_.seen(flow, ProbeLeg::request))
        if (at.stage == Stage::other_left) passed.push_back(at.host);
    passed.push_back(flow.destination.host);
    const HostId owner = carrier(snapshot_, flow, *flow.source_seen);
    if (owner.empty() ? !all_addresses_read(snapshot_)
                      : std::find(passed.begin(), passed.end(), owner) != passed.end())
        return {};
    const auto at = std::find_if(passed.begin(), passed.end(), [&](const HostId& host) {
        return translates_sources(snapshot_, host, flow.source.address.family());
    });
    return at == passed.end() ? HostId{} : *at;
}

// Answers go to the address that the target saw: if no host has it that the packets passed, they are lost,
// wherever that shows.
bool PacketCauses::add_answers_astray(const ProbedFlow& flow, const std::string& check_id) {
    if (!flow.source_seen || flow.fate() != ProbeFate::reply_lost) return false;
    const HostId host = rewriter_of(flow);
    if (host.empty()) return false;
    const Address& to = *flow.source_seen;
    PacketFault& made = rewritten_entry(flow, host, to);
    if (made.cause.severity != Severity::error) {
        const HostId owner = carrier(snapshot_, flow, to);
        made.cause.severity = Severity::error;
        made.cause.summary = host + " rewrites the source of packets from " + made.cause.subject + " to " +
                             to.to_string() + ", which " +
                             (owner.empty() ? "no host is known to have" : owner + " has") +
                             ": answers do not come back";
    }
    astray_[{flow.source.host, to.family(), flow.protocol}].push_back({to, host});
    faults_.count(made, flow, check_id, true);
    ++explained_;
    return true;
}

// A kernel takes no packet that comes from an address of its own (a martian): to the host that has the new
// source they do not arrive at all.
bool PacketCauses::add_own_address(const InsideLoss& loss) {
    const ProbedFlow& flow = *loss.flow;
    const auto found = astray_.find({flow.source.host, flow.source.address.family(), flow.protocol});
    if (found == astray_.end() || flow.failed_leg() != ProbeLeg::request) return false;
    const auto at = std::find_if(found->second.begin(), found->second.end(), [&](const Astray& one) {
        return carrier(snapshot_, flow, one.to) == loss.place.host;
    });
    if (at == found->second.end()) return false;
    faults_.count(rewritten_entry(flow, at->rewriter, at->to), flow, loss.check_id, loss.failed());
    return true;
}

// By a DNAT rule or a proxy of the host that they were last seen to enter, or start from.
void PacketCauses::add_led_astray(const ProbedFlow& flow, const Place& place, const std::string& check_id) {
    if (place.kind != PlaceKind::inside) return add_unexplained(flow, check_id);
    std::string subject = flow.destination.address.to_string();
    if (flow.destination.vantage == Vantage::pod)
        subject =
            networks_text(snapshot_.inventory, flow.destination.host, flow.destination.address.family());
    PacketFault& made = faults_.at("nat-rewritten", place.host, "to " + subject);
    made.cause.summary =
        place.host + " leads packets to " + subject + " elsewhere, and somebody else answers";
    made.cause.commands = {on_host(place.host, "iptables-save -t nat"),
                           on_host(place.host, "nft list ruleset")};
    faults_.count(made, flow, check_id, true);
    ++explained_;
}

}  // namespace podroute
