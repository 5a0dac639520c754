// Joins what is one fault and drops what follows from another.
#include "engine/fold.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "engine/expected.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxEvidence = 12;

using Key = std::tuple<std::string, HostId, std::string>;

void add_once(std::vector<std::string>& list, const std::string& entry) {
    if (std::find(list.begin(), list.end(), entry) == list.end()) list.push_back(entry);
}

std::vector<FoldedCause> gather(std::span<const Verdict> verdicts, std::span<const std::string> check_ids) {
    std::vector<FoldedCause> folded;
    std::map<Key, std::size_t> seen;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        for (const Cause& cause : verdicts[i].causes) {
            const auto [at, added] = seen.emplace(Key{cause.code, cause.host, cause.subject}, folded.size());
            if (added) folded.push_back({cause, {}, {cause.subject}});
            FoldedCause& entry = folded[at->second];
            entry.cause.severity = std::min(entry.cause.severity, cause.severity);  // error is the least
            if (i < check_ids.size()) add_once(entry.affects, check_ids[i]);
        }
    }
    return folded;
}

bool same_mending(const Cause& a, const Cause& b) {
    if (a.code != b.code || a.host != b.host || a.severity != b.severity) return false;
    if (!a.remedy.empty() || !b.remedy.empty()) return a.remedy == b.remedy;
    return !a.commands.empty() && a.commands == b.commands;
}

void join_into(FoldedCause& first, const FoldedCause& other) {
    if (first.cause.evidence.size() < kMaxEvidence)
        add_once(first.cause.evidence, "the same for " + other.cause.subject);
    add_once(first.subjects, other.cause.subject);
    for (const std::string& id : other.affects) add_once(first.affects, id);
}

std::vector<FoldedCause> join_same(std::vector<FoldedCause> causes) {
    std::vector<FoldedCause> joined;
    std::map<std::pair<std::string, HostId>, std::vector<std::size_t>> by_key;
    for (FoldedCause& entry : causes) {
        auto& rivals = by_key[{entry.cause.code, entry.cause.host}];
        const auto same = std::find_if(rivals.begin(), rivals.end(), [&](std::size_t at) {
            return same_mending(joined[at].cause, entry.cause);
        });
        if (same != rivals.end()) {
            join_into(joined[*same], entry);
            continue;
        }
        rivals.push_back(joined.size());
        joined.push_back(std::move(entry));
    }
    return joined;
}

// The host whose pod network, or whose address, the cause is about.
HostId owner_of_subject(const Snapshot& snapshot, const std::string& subject) {
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        for (const Prefix& cidr : host.pod_cidrs)
            if (cidr.to_string() == subject) return host.name;
        for (const Address& address : host.addresses)
            if (address.to_string() == subject) return host.name;
    }
    return {};
}

struct Standing {
    std::map<HostId, std::size_t> link_down, address_missing, address_duplicate;
    std::map<HostId, std::size_t> cidr_mismatch;
    std::map<std::string, std::size_t> overlaps;  // by the CIDRs that take part

    explicit Standing(const Snapshot& snapshot, const std::vector<FoldedCause>& causes) {
        for (std::size_t i = 0; i < causes.size(); ++i) {
            const Cause& cause = causes[i].cause;
            if (cause.severity != Severity::error) continue;
            if (cause.code == "link-down") link_down.emplace(cause.host, i);
            if (cause.code == "address-missing") address_missing.emplace(cause.host, i);
            if (cause.code == "pod-cidr-mismatch") cidr_mismatch.emplace(cause.host, i);
            if (cause.code == "inventory-overlap") add_overlaps(snapshot, cause.host, i);
            if (cause.code != "address-duplicate") continue;
            address_duplicate.emplace(cause.host, i);
            const HostId owner = owner_of_subject(snapshot, cause.subject);
            if (!owner.empty()) address_duplicate.emplace(owner, i);
        }
    }

    void add_overlaps(const Snapshot& snapshot, const HostId& host, std::size_t at) {
        for (const Overlap& overlap : expect(snapshot.inventory).overlaps) {
            if (overlap.first_host != host && overlap.second_host != host) continue;
            overlaps.emplace(overlap.first.to_string(), at);
            if (!overlap.covers_node) overlaps.emplace(overlap.second.to_string(), at);
        }
    }
};

std::optional<std::size_t> find(const std::map<HostId, std::size_t>& map, const HostId& host) {
    const auto at = map.find(host);
    return at == map.end() ? std::nullopt : std::optional(at->second);
}

// A route that leads to another host of swapped pod networks: both hosts say that theirs is not what the
// inventory says, and that is the fault.
std::optional<std::size_t> swapped(const Snapshot& snapshot, const Cause& cause, const Standing& standing) {
    const auto owner = find(standing.cidr_mismatch, owner_of_subject(snapshot, cause.subject));
    if (!owner) return std::nullopt;
    for (const HostChange& remedy : cause.remedy) {
        const auto* route = remedy.change.before ? std::get_if<Route>(&*remedy.change.before) : nullptr;
        if (route == nullptr) return std::nullopt;
        for (const NextHop& hop : route->next_hops) {
            const InventoryHost* led_to = hop.gateway ? snapshot.inventory.owner_of(*hop.gateway) : nullptr;
            if (led_to != nullptr && standing.cidr_mismatch.contains(led_to->name)) return owner;
        }
    }
    return std::nullopt;
}

// The error that this one follows from.
std::optional<std::size_t> origin(const Snapshot& snapshot, const Cause& cause, const Standing& standing) {
    if (cause.code == "pod-cidr-mismatch") {
        const auto overlap = standing.overlaps.find(cause.subject);
        return overlap == standing.overlaps.end() ? std::nullopt : std::optional(overlap->second);
    }
    if (cause.code == "route-wrong-gateway") return swapped(snapshot, cause, standing);
    if (cause.code != "gateway-unresolved" && cause.code != "neighbour-wrong") return std::nullopt;
    const HostId owner = owner_of_subject(snapshot, cause.subject);
    for (const auto* map : {&standing.link_down, &standing.address_missing, &standing.address_duplicate})
        if (const auto at = find(*map, owner)) return at;
    return find(standing.link_down, cause.host);
}

std::vector<FoldedCause> drop_consequences(const Snapshot& snapshot, std::vector<FoldedCause> causes) {
    const Standing standing(snapshot, causes);
    std::vector<bool> dropped(causes.size(), false);
    for (std::size_t i = 0; i < causes.size(); ++i) {
        const auto from = origin(snapshot, causes[i].cause, standing);
        if (!from || *from == i || dropped[*from]) continue;
        dropped[i] = true;
        for (const std::string& id : causes[i].affects) add_once(causes[*from].affects, id);
    }
    std::vector<FoldedCause> kept;
    for (std::size_t i = 0; i < causes.size(); ++i)
        if (!dropped[i]) kept.push_back(std::move(causes[i]));
    return kept;
}

}  // namespace

bool is_route_code(const std::string& code) {
    static constexpr std::array<std::string_view, 8> codes{
        "route-missing",       "route-partial", "route-shadowed",  "route-blackhole",
        "route-wrong-gateway", "rule-diverted", "neighbour-wrong", "gateway-unresolved"};
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string cause_id(const Cause& cause) {
    return cause.code + "/" + (cause.host.empty() ? "-" : cause.host) + "/" + cause.subject;
}

std::vector<FoldedCause> fold(const Snapshot& snapshot, std::span<const Verdict> verdicts,
                              std::span<const std::string> check_ids) {
    return drop_consequences(snapshot, join_same(gather(verdicts, check_ids)));
}

}  // namespace podroute
