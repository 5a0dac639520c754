// Reports built by hand, one of each kind that a user may meet.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "model/report.h"

namespace podroute::samples {

Report failing();             // one route missing on node-0 of three hosts
Report passing();             // the same cluster, whole
Report inconclusive();        // nobody may log in to node-2
Report no_routes(int nodes);  // no host holds any pod route
Report mixed();               // an unreachable host, forwarding off, a warning, a check unknown by itself
Report packets();             // a firewall on node-1 drops what pods of node-0 send to it, and a reply
Report aborted();             // killed before it judged anything
Report planned();             // a dry run: one fix planned, one refused
Report fixed();               // one fix applied, one taken back
Report hostile();             // every string from a host full of controls, escapes and broken UTF-8

struct Sample {
    std::string name;
    Report report;
};
// CTest shows the parameter in a test's name: the name, not its bytes.
inline void PrintTo(const Sample& sample, std::ostream* out) {
    *out << sample.name;
}
std::vector<Sample> all();

}  // namespace podroute::samples
