// The report: what podroute.report/1 holds (docs/report.md, reports/podroute.report.schema.json).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/fix.h"
#include "model/snapshot.h"
#include "model/verdict.h"

namespace podroute {

enum class RunVerdict : std::uint8_t { pass, fail, unknown, aborted };
std::string_view to_string(RunVerdict verdict);

struct CheckResult {
    std::string id;   // stable from run to run: "CODE/HOST/SUBJECT"
    Verdict verdict;  // causes are moved into diagnoses
};

struct Diagnosis {
    Cause cause;
    std::size_t explains = 0;  // failed probes, or without probes the broken pairs, that it explains
    std::vector<std::string>
        together_with;                 // "CODE/HOST/SUBJECT" of causes that must be mended as well for those
    std::vector<std::string> affects;  // ids of checks and probes
};

// One leg of one pair as the tables say it (static), or as packets took it.
struct PathStep {
    HostId host;             // or the address of a router that is no host of the inventory
    std::string interface;   // empty where only an answer to a small hop limit tells
    bool leaving = false;    // out of the interface
    std::uint32_t seen = 0;  // packets; those that are meant to end on the way left out
    std::uint8_t hop = 0;    // the host answered packets of this hop limit; 0: captures alone tell of it

    bool operator==(const PathStep&) const = default;
};
// "pod node-0", "node server"; with the CIDR where the host has several of that family.
std::string endpoint_name(const Inventory& inventory, const Endpoint& endpoint);
// The same with " (IPv6)" for IPv6: what one end of a path is called.
std::string path_end(const Inventory& inventory, const Endpoint& endpoint);

struct PathReport {
    std::string source, destination;  // as path_end() says
    std::string leg;                  // "request" or "reply"
    std::vector<std::string> expected, hops;
    std::string status;                  // "pass", "fail", "unknown"
    std::string reason;                  // why it ends ("no route")
    std::vector<PathStep> steps{};       // where packets were seen, in order; empty: by the tables
    std::optional<Protocol> protocol{};  // of the packets; none: by the tables
};

// Where packets of a probe were last seen, on the leg that failed.
struct StoppedAt {
    HostId host;
    std::string interface;  // empty: nothing saw it on an interface
    ProbeLeg leg = ProbeLeg::request;

    bool operator==(const StoppedAt&) const = default;
};
// Round trips in microseconds.
struct RoundTrips {
    std::uint32_t min = 0, median = 0, max = 0;
};
// What became of the packets of one ordered pair, protocol and size; all rounds counted.
struct ProbeReport {
    Endpoint source, destination;
    Protocol protocol = Protocol::icmp;
    std::uint32_t size = 0;  // bytes of the IP packet
    std::uint32_t sent = 0, arrived = 0, answered = 0;
    std::optional<Address> source_seen;
    std::optional<RoundTrips> round_trips;
    std::optional<StoppedAt> stopped_at;
    std::optional<Address> next_hop{};    // of a route with several: only what takes this one
    std::vector<Objection> objections{};  // who refused it, and how
};
// Of pairs: nobody need answer what is sent by one of several next hops.
struct ProbeCounts {
    std::size_t sent = 0, arrived = 0, answered = 0;
};

struct Counts {
    std::size_t pass = 0, fail = 0, warn = 0, skip = 0, unknown = 0;
    std::size_t total() const { return pass + fail + warn + skip + unknown; }
};

struct PairCounts {
    std::size_t total = 0;      // ordered pairs that the tables were walked for
    std::size_t broken = 0;     // of these, the tables predict failure
    std::size_t unknown = 0;    // not walked to the end, because a host's tables were not read
    std::size_t explained = 0;  // broken ones that the causes predict
};

struct Report {
    RunInfo run;
    Routing routing = Routing::host;
    Inventory inventory;
    RunVerdict verdict = RunVerdict::aborted;
    int exit_code = 70;
    std::optional<Error> error;
    Counts checks_summary;
    PairCounts pairs;
    std::vector<CheckResult> checks;
    std::vector<PathReport> paths;     // of broken pairs, and of those that were traced; at most kMaxPaths
    std::vector<Diagnosis> diagnoses;  // most important first
    std::vector<Fix> fixes;            // what --fix planned and did, in order
    std::vector<ProbeReport> probes{};
    ProbeCounts probes_summary{};
    PairCounts probed{};  // ordered pairs and protocols that packets were sent for; broken: failed
};

inline constexpr std::size_t kMaxPaths = 1000;

// The report every file starts with: verdict aborted, no checks.
Report aborted_report(const RunInfo& run, const Inventory& inventory, Error error);

}  // namespace podroute
