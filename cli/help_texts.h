// The lines below the options in every --help: exit codes, and two examples.
#pragma once

namespace podroute::cli {

inline constexpr auto kVerifyFooter = R"(Exit codes:
  0 all verified   1 the network is wrong   2 bad usage or inventory
  3 nothing failed, but something could not be tested   70 internal error

Examples:
  podroute verify --user ubuntu --sudo --json report.json --junit report.xml
  podroute verify --fix --dry-run; podroute verify --fix --json fixed.json)";
inline constexpr auto kUndoFooter =
    R"(A change is taken back only where the host is still as the run left it; the others
are left alone and named. Exit codes:
  0 all undone   1 something was left alone or failed   2 bad usage or report   70 internal error

Examples:
  podroute verify --fix --json fixed.json; podroute undo fixed.json
  podroute undo --all --machines machines.txt --yes)";
inline constexpr auto kPlanFooter = R"(Examples:
  podroute plan
  podroute plan --machines - < machines.txt)";
inline constexpr auto kReplayFooter = R"(Examples:
  podroute verify --snapshot run.snapshot; podroute replay run.snapshot
  podroute replay run.snapshot --json report.json --quiet)";
inline constexpr auto kTraceFooter =
    R"(SRC and DST are hosts by name (their pods, or the node itself where it has none),
node addresses, or addresses inside a pod network; one of them has to be a pod. Two of one
network are a pod and a second one beside it. Exit codes are those of verify.

Examples:
  podroute trace node-0 node-1
  podroute trace server 10.200.1.7)";
inline constexpr auto kExplainFooter = R"(Examples:
  podroute explain route-missing
  podroute explain "RTNETLINK answers: File exists")";
inline constexpr auto kMainFooter =
    R"(Options may also stand in a TOML file (--config), those of a command under its
name:  [verify]  machines = "lab/machines.txt"

Examples:
  podroute verify --machines machines.txt
  podroute explain route-missing)";

}  // namespace podroute::cli
