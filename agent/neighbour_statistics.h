// How full the kernel's neighbour tables are: /proc/net/stat/arp_cache and ndisc_cache.
#pragma once

#include <string>
#include <string_view>

#include "model/facts.h"

namespace podroute::agent {

// One line of column names, then one of hexadecimal numbers for each processor: `entries` is the same in
// all, `table_fulls` each one's own (neigh_stat_seq_show() of net/core/neighbour.c). Errors: "unreadable".
Result<NeighbourTable> parse_neighbour_statistics(std::string_view text);

// The table of one family; `uncounted` as read_neighbours() found it. Unknown where the file cannot be read:
// only the machine's first network namespace has it.
Observed<NeighbourTable> read_neighbour_statistics(Family family, std::uint64_t uncounted,
                                                   const std::string& folder = "/proc/thread-self/net/stat");

}  // namespace podroute::agent
