// What the checks share.
#include "checks/common.h"

#include <algorithm>

#include "engine/classify.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

std::string access_check(const InventoryHost& host) {
    return "host-access/" + host.name + "/" + host.addresses.front().to_string();
}

Verdict with_cause(const InventoryHost& host, std::string subject, Status status, Cause cause) {
    Verdict made = verdict(host, std::move(subject), status, cause.summary);
    made.causes.push_back(std::move(cause));
    return made;
}

// A physical port, or a veth as in a container, that is no port of a bridge or bond.
bool wired(const Link& link) {
    return !link.loopback() && !link.mac.empty() && link.master == 0 &&
           (link.kind.empty() || link.kind == "veth");
}

}  // namespace

const HostFacts* facts_of(const Snapshot& snapshot, const HostId& host) {
    const auto at = snapshot.hosts.find(host);
    return at != snapshot.hosts.end() && at->second.known() ? &*at->second : nullptr;
}

const Unknown* lost_in_round(const Snapshot& snapshot, const HostId& host) {
    if (facts_of(snapshot, host) == nullptr) return nullptr;
    const Unknown* refused = nullptr;
    for (const RoundResult& round : snapshot.rounds) {
        const auto at = round.hosts.find(host);
        if (round.stage == RoundStage::fixer || at == round.hosts.end() || at->second.known()) continue;
        const Unknown& why = at->second.unknown();
        if (why.code == "agent-failed") return &why;  // it says more than what it refused before
        if (refused == nullptr && why.code == "probe-unavailable" && round.stage != RoundStage::neighbours)
            refused = &why;
    }
    return refused;
}

Verdict verdict(const InventoryHost& host, std::string subject, Status status, std::string message) {
    Verdict made;
    made.host = host.name;
    made.subject = std::move(subject);
    made.status = status;
    made.message = std::move(message);
    return made;
}

Verdict failed(const InventoryHost& host, std::string subject, Cause cause) {
    return with_cause(host, std::move(subject), Status::fail, std::move(cause));
}

Verdict warned(const InventoryHost& host, std::string subject, Cause cause) {
    return with_cause(host, std::move(subject), Status::warn, std::move(cause));
}

Verdict blocked(const InventoryHost& host, std::string subject, std::string by, std::string message) {
    Verdict made = verdict(host, std::move(subject), Status::skip, std::move(message));
    made.blocked_by = std::move(by);
    return made;
}

Verdict not_read(const Snapshot& snapshot, const InventoryHost& host, std::string subject) {
    Verdict made = verdict(host, std::move(subject), Status::unknown, host.name + " was not read");
    const auto at = snapshot.hosts.find(host.name);
    const bool coded =
        at != snapshot.hosts.end() && !at->second.known() && !at->second.unknown().code.empty();
    made.blocked_by = coded ? at->second.unknown().code : access_check(host);
    return made;
}

Verdict part_not_read(const InventoryHost& host, std::string subject, const std::string& what,
                      const Unknown& unknown) {
    Verdict made = verdict(host, std::move(subject), Status::unknown,
                           what + " of " + host.name + " could not be read: " + unknown.why);
    made.blocked_by = unknown.code;  // the reason is in the message: the host itself was read
    return made;
}

const InterfaceAddress* find_address(const HostFacts& facts, const Address& address) {
    if (!facts.addresses.known()) return nullptr;
    const auto at = std::find_if(facts.addresses->begin(), facts.addresses->end(),
                                 [&](const InterfaceAddress& a) { return a.address == address; });
    return at == facts.addresses->end() ? nullptr : &*at;
}

bool carries(const HostFacts& facts, const Address& address) {
    return find_address(facts, address) != nullptr;
}

bool lacks_address(const Snapshot& snapshot, const InventoryHost& host, Family family) {
    const HostFacts* facts = facts_of(snapshot, host.name);
    const auto address = host.address(family);
    return facts != nullptr && address && facts->addresses.known() && !carries(*facts, *address);
}

unsigned node_prefix_length(const Snapshot& snapshot, Family family) {
    for (const InventoryHost& peer : snapshot.inventory.hosts) {
        const HostFacts* facts = facts_of(snapshot, peer.name);
        const auto address = peer.address(family);
        const InterfaceAddress* found =
            facts != nullptr && address ? find_address(*facts, *address) : nullptr;
        if (found != nullptr) return found->prefix_length;
    }
    return family == Family::v4 ? 24 : 64;
}

std::vector<std::uint32_t> uplinks(const Snapshot& snapshot, const InventoryHost& host,
                                   const HostFacts& facts, std::optional<Family> family) {
    InventoryHost narrowed = host;
    if (family) std::erase_if(narrowed.addresses, [&](const Address& a) { return a.family() != *family; });
    std::vector<std::uint32_t> found = roles(facts, narrowed, snapshot.inventory).uplinks;
    if (!found.empty() || !facts.links.known()) return found;
    for (const Link& link : *facts.links)
        if (wired(link)) found.push_back(link.index);
    if (found.size() != 1) found.clear();
    return found;
}

bool works(const Link& link, bool is_uplink) {
    return link.admin_up() && (!is_uplink || link.carrier);
}

bool plain_word(const std::string& text) {
    static constexpr std::string_view marks = "._/:@%+=-";
    return !text.empty() && text.size() <= 255 && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      marks.find(c) != std::string_view::npos;
           });
}

std::string joined_text(const std::vector<std::string>& parts) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i)
        text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return text;
}

}  // namespace podroute
