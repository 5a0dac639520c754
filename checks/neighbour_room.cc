// neighbour-room: a host can resolve one more neighbour. If its table is full, packets to every next hop and
// pod that is not in it yet are dropped without a word (neigh_alloc() of net/core/neighbour.c: "neighbour
// table overflow").
//
// A host that does not show how full its table is keeps no run from passing: skipped, not unknown.
#include <algorithm>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/sysctls.h"
#include "checks/table_room.h"

namespace podroute {
namespace {

struct Table {
    Family family = Family::v4;
    std::uint64_t counted = 0;  // entries that count towards the limit
    int limit = 0;              // gc_thresh3
    std::uint64_t fulls = 0;
};

std::string setting(Family family, const char* name) {
    return std::string(family == Family::v4 ? "ipv4" : "ipv6") + "/neigh/default/" + name;
}

std::string filled(const Table& table) {
    return std::to_string(table.counted) + " of " + std::to_string(table.limit) + " entries";
}

std::string refused(const Table& table) {
    return std::to_string(table.fulls) + " refused since the kernel started (table_fulls)";
}

// Near the limit, an entry that was refused says what the moment of reading may not: entries come and go. One
// that was refused on another day says nothing of today.
Room room(const Table& table) {
    const Room now = room_of(table.counted, static_cast<std::uint64_t>(table.limit));
    return now == Room::little && table.fulls > 0 ? Room::none : now;
}

Cause full_cause(const InventoryHost& host, const Table& table, Room room) {
    const std::string family{to_string(table.family)};
    Cause cause;
    cause.code = "neighbour-table-full";
    cause.severity = room == Room::none ? Severity::error : Severity::warning;
    cause.host = host.name;
    cause.subject = family;
    cause.summary = "the " + family + " neighbour table of " + host.name +
                    (room == Room::none ? " is full" : " is nearly full");
    cause.evidence = {filled(table) +
                          " of all network namespaces are taken (gc_thresh3), permanent ones left out; " +
                          refused(table),
                      "packets to a neighbour that finds no place in it are dropped"};
    cause.commands = {setting_command(host.name, setting(table.family, "gc_thresh3"), twice(table.limit)),
                      setting_command(host.name, setting(table.family, "gc_thresh2"), table.limit)};
    return cause;
}

Verdict judge(const InventoryHost& host, const HostFacts& facts, Family family) {
    const std::string subject{to_string(family)};
    const auto& read = family == Family::v4 ? facts.neighbour_table_v4 : facts.neighbour_table_v6;
    if (!read.known())
        return verdict(host, subject, Status::skip,
                       "the neighbour table's statistics were not read: " + read.unknown().why);
    const Setting limit = read_setting(facts, setting(family, "gc_thresh3"));
    if (!limit.known() || limit.number < 0)
        return verdict(host, subject, Status::skip,
                       setting_name(setting(family, "gc_thresh3")) + " was not read" +
                           (limit.why.empty() ? "" : ": " + limit.why));
    const Table table{family, read->entries - std::min(read->entries, read->uncounted), limit.number,
                      read->table_fulls};
    const Room left = room(table);
    if (left == Room::enough)
        return verdict(host, subject, Status::pass,
                       filled(table) + (table.fulls > 0 ? ", " + refused(table) : ""));
    Cause cause = full_cause(host, table, left);
    Verdict made = left == Room::none ? failed(host, subject, std::move(cause))
                                      : warned(host, subject, std::move(cause));
    made.expected = "fewer than " + std::to_string(table.limit) + " entries";
    made.observed = std::to_string(table.counted);
    return made;
}

bool has(const InventoryHost& host, Family family) {
    return std::any_of(host.addresses.begin(), host.addresses.end(),
                       [&](const Address& address) { return address.family() == family; });
}

}  // namespace

std::vector<Verdict> neighbour_room(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const HostFacts* facts = facts_of(snapshot, host.name);
        for (const Family family : {Family::v4, Family::v6}) {
            if (!has(host, family)) continue;
            verdicts.push_back(facts == nullptr ? not_read(snapshot, host, std::string(to_string(family)))
                                                : judge(host, *facts, family));
        }
    }
    return verdicts;
}

}  // namespace podroute
