// Parts of the test that holds the user-space FIB against the kernel's. All of them work on the network
// namespace of the calling thread and refuse the machine's own.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "model/facts.h"

namespace podroute::testing {

// Throws std::runtime_error unless this thread is in a network namespace that this process made: another one
// than its parent's, and than process 1's.
void require_own_namespace();

// Runs the lines through `ip -batch`; lines that the kernel refuses are passed over.
void run_batch(const std::vector<std::string>& lines);
// Until the kernel has noticed, at most a few seconds (linkwatch waits up to one).
void wait_for_carrier_loss(const std::string& link);
// Links, routes of all tables and rules, as `ip -json` prints them.
HostFacts dump_tables();

// RTM_GETROUTE with RTM_F_FIB_MATCH.
FibAnswer ask_kernel(const FibQuery& query);

// Lines for run_batch() that break the tables, and questions about them.
std::vector<std::string> random_lines(std::mt19937& random);
std::vector<FibQuery> random_queries(std::mt19937& random);

}  // namespace podroute::testing
