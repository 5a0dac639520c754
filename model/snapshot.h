// Everything one run saw. judge() turns it into a report; replay reads it from a file.
//
// On disk: JSON Lines. Line 1 the header {"schema":"podroute.snapshot/1","run","policy","inventory"}, then
// one line
// {"host":NAME,"facts":..} per host, then one line {"round":..} per round, one line {"fix":..} per fix, then
// {"end":true}. A file without its end line was cut short and is refused.
#pragma once

#include <iosfwd>
#include <map>
#include <vector>

#include "model/fix.h"
#include "model/policy.h"
#include "model/round.h"

namespace podroute {

struct RunInfo {
    std::string id;       // random, hexadecimal
    std::string started;  // RFC 3339, UTC
    std::int64_t duration_ms = 0;
    std::string tool_version;
    std::string machines_file;      // as the user named it, for the commands in messages
    bool cancelled = false;         // a signal ended the observation early
    std::uint32_t observation = 0;  // how often the run observed before this: --fix looks again afterwards

    bool operator==(const RunInfo&) const = default;
};

struct Snapshot {
    RunInfo run;
    Policy policy;
    Inventory inventory;
    std::map<HostId, Observed<HostFacts>> hosts;
    std::vector<RoundResult> rounds;
    std::vector<Fix> fixes{};  // what --fix planned and did; hosts and rounds are of after it

    bool operator==(const Snapshot&) const = default;
};

// One line at a time, so that a large snapshot is never held as text.
void write_snapshot(const Snapshot& snapshot, std::ostream& out);
// Errors name the line. Hostile input: bounded line length and depth, unknown fields ignored, hosts not in
// the inventory refused.
Result<Snapshot> read_snapshot(std::istream& in, std::string_view file);

}  // namespace podroute
