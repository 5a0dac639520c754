// Options that commands share, by group.
#pragma once

#include <string>

#include "cli/option_values.h"

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace podroute::cli {

// Of a file that is written.
CLI::Validator file_name();
// Of a file that a library reads to its end.
CLI::Validator no_device();

CLI::Option* add_machines(CLI::App& app, std::string& machines);
void add_output(CLI::App& app, OutputOptions& output);
void add_ssh(CLI::App& app, SshSettings& ssh);
void add_routing(CLI::App& app, Policy& policy);
void add_selection(CLI::App& app, Selection& selection, Policy& policy);
// Those of every command that sends packets.
void add_probes(CLI::App& app, ProbeOptions& probes, Policy& policy, std::string& pcap);
// Which pairs, and of which the way.
void add_pairs(CLI::App& app, ProbeOptions& probes, Policy& policy);
// `mode` is for resolve_fix().
void add_fix(CLI::App& app, std::string& mode, FixOptions& fix);

}  // namespace podroute::cli
