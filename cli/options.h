// What the command line asks for. Only options.cc and option_groups.cc know CLI11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/policy.h"

namespace podroute::cli {

enum class Color : std::uint8_t { automatic, always, never };

struct OutputOptions {
    std::string json, junit;  // file names; empty: not written
    Color color = Color::automatic;
    bool quiet = false;
    bool verbose = false;
};

struct SshSettings {
    std::string user;   // empty: ssh_config's, else root
    unsigned port = 0;  // 0: ssh_config's, else 22
    std::vector<std::string> identities;
    std::string config;       // empty: ~/.ssh/config
    std::string known_hosts;  // empty: ssh_config's, else ~/.ssh/known_hosts
    bool accept_new = false;  // --host-key-check accept-new
    bool sudo = false;
    unsigned connect_timeout_s = 10;
    unsigned jobs = 0;  // 0: as many as measured best
};

enum class FixMode : std::uint8_t { none, add, repair };

struct FixOptions {
    FixMode mode = FixMode::none;
    bool dry_run = false;
};

struct Verify {
    std::string machines = "machines.txt";
    SshSettings ssh;
    Policy policy;
    OutputOptions output;
    std::string snapshot;  // file to record to; empty: none
    FixOptions fix{};
    std::string pcap;  // file for what was caught; empty: none
};
struct Plan {
    std::string machines = "machines.txt";
};
struct Replay {
    std::string snapshot;
    OutputOptions output;
};
struct Undo {
    std::string report;  // file; empty with `all`
    bool all = false, yes = false;
    std::string machines = "machines.txt";
    bool machines_given = false;  // else the report's inventory counts, but for `all`
    SshSettings ssh;
    OutputOptions output;
};
struct TracePair {
    Verify verify;
    std::string source, destination;  // a host's name, or an address of a node or inside a pod CIDR
};
struct Explain {
    std::vector<std::string> words;  // a code, a message, or nothing
};
using Command = std::variant<Verify, Plan, Replay, Undo, Explain, TracePair>;

// What to run, or the exit code where the command line itself was the end (--help: 0, bad usage: 2; already
// printed).
std::variant<Command, int> parse_command_line(int argc, const char* const* argv);

}  // namespace podroute::cli
