// Policy rules: which packets one takes, and what it does with them. Source: net/core/fib_rules.c.
#pragma once

#include <vector>

#include "model/facts.h"

namespace podroute {

// FR_ACT_* of linux/fib_rules.h; any other is a blackhole.
inline constexpr std::uint8_t kActionToTable = 1, kActionGoto = 2, kActionNop = 3, kActionUnreachable = 7,
                              kActionProhibit = 8;

using RuleList = std::vector<const Rule*>;

bool rule_matches(const Rule& rule, const FibQuery& query);
// The errno of a lookup that ends at a rule which rejects.
int rule_error(std::uint8_t action);
// A kernel that never saw a custom rule keeps local and main in one trie and looks both up at once
// (fib_lookup() in include/net/ip_fib.h). `rules` of IPv4, by priority.
bool local_and_main_merged(const RuleList& rules);
// A rule that somebody made: it rejects, or looks up another table than the kernel's own three.
bool is_custom(const Rule& rule);

}  // namespace podroute
