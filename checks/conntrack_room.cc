// conntrack-room: a host can follow one more connection. If it cannot, netfilter drops the first packet of
// every new one
// (__nf_conntrack_alloc() of net/netfilter/nf_conntrack_core.c), while those that it knows go on.
//
// A host that does not show how full its table is keeps no run from passing: skipped, not unknown.
#include "checks/checks.h"
#include "checks/common.h"
#include "checks/sysctls.h"
#include "checks/table_room.h"

namespace podroute {
namespace {

constexpr const char* kCount = "netfilter/nf_conntrack_count";
constexpr const char* kMax = "netfilter/nf_conntrack_max";

std::string filled(const Setting& count, const Setting& max) {
    return std::to_string(count.number) + " of " + std::to_string(max.number) + " connections";
}

Cause full_cause(const InventoryHost& host, const Setting& count, const Setting& max, Room room) {
    Cause cause;
    cause.code = "conntrack-full";
    cause.severity = room == Room::none ? Severity::error : Severity::warning;
    cause.host = host.name;
    cause.subject = "conntrack";
    cause.summary =
        "the table of connections of " + host.name + (room == Room::none ? " is full" : " is nearly full");
    cause.evidence = {
        filled(count, max) + " are followed (nf_conntrack_count of nf_conntrack_max); the first packet of " +
        (room == Room::none ? "every new one is dropped" : "a new one is dropped when it is full")};
    cause.commands = {setting_command(host.name, kMax, twice(max.number))};
    return cause;
}

std::string why_not(const Setting& count, const Setting& max) {
    if (count.state == Setting::State::absent && max.state == Setting::State::absent)
        return "connections are not followed";
    for (const auto& [name, setting] : {std::pair(kCount, &count), std::pair(kMax, &max)})
        if (!setting->known())
            return setting_name(name) + " was not read" + (setting->why.empty() ? "" : ": " + setting->why);
    return {};
}

Verdict judge(const InventoryHost& host, const HostFacts& facts, const std::string& subject) {
    const Setting count = read_setting(facts, kCount), max = read_setting(facts, kMax);
    if (const auto why = why_not(count, max); !why.empty()) return verdict(host, subject, Status::skip, why);
    // A limit of 0 is none.
    if (max.number <= 0 || count.number < 0)
        return verdict(host, subject, Status::pass,
                       std::to_string(count.number) + " connections, without a limit");
    const Room room =
        room_of(static_cast<std::uint64_t>(count.number), static_cast<std::uint64_t>(max.number));
    if (room == Room::enough) return verdict(host, subject, Status::pass, filled(count, max));
    Cause cause = full_cause(host, count, max, room);
    Verdict made = room == Room::none ? failed(host, subject, std::move(cause))
                                      : warned(host, subject, std::move(cause));
    made.expected = "fewer than " + std::to_string(max.number) + " connections";
    made.observed = std::to_string(count.number);
    return made;
}

}  // namespace

std::vector<Verdict> conntrack_room(const Snapshot& snapshot, const Expected&, const ProbeFacts&) {
    std::vector<Verdict> verdicts;
    const std::string subject = "conntrack";
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        const HostFacts* facts = facts_of(snapshot, host.name);
        verdicts.push_back(facts == nullptr ? not_read(snapshot, host, subject)
                                            : judge(host, *facts, subject));
    }
    return verdicts;
}

}  // namespace podroute
