// One scenario file: a base snapshot of fixtures/snapshots, an RFC 6902 patch, and what the judge is to say.
//
//   {"name": "..", "base": "two-nodes", "patch": [..], "checks": [check codes it shows],
//    "packets": [rules of packets.h]?, "protocols": ["icmp", "tcp"]?, "without_pod": [hosts]?,
//    "deaf": [hosts]?, "lost": [hosts]?,
//    "next_hops": [{"source", "target", "via", "arrived", "later"?}]?, "ladders": false?,
//    "want": {"causes": [{"code", "host", "subject"?, "severity"? (error),
//                          "together_with"? (ids)}], "exit_code": 0}}
//
// With "packets", even an empty list, rounds of probes are added; without, the snapshot knows tables only.
// A base is a snapshot as one object: the fields of its header, "hosts" and "rounds".
#pragma once

#include <compare>
#include <set>
#include <string>
#include <vector>

#include "model/report.h"
#include "model/snapshot.h"

namespace podroute::testing {

struct WantedCause {
    std::string code, host, severity;
    std::string subject;                    // empty: any
    std::set<std::string> together_with{};  // empty: any

    auto operator<=>(const WantedCause&) const = default;
};

struct Scenario {
    std::string name;
    std::vector<std::string> checks;
    std::vector<WantedCause> causes;  // errors and warnings, sorted
    int exit_code = 0;
    Snapshot snapshot;
};

// All files of the folder, by name without ".json", sorted.
std::vector<std::string> scenario_names();
// Errors name the file and what is wrong with it.
Result<Scenario> load_scenario(const std::string& name);
// Says what differs from what is wanted; empty if nothing does.
std::string difference(const Scenario& scenario, const Report& report);

}  // namespace podroute::testing
