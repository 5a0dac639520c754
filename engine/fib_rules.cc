// Selectors in the order of fib_rule_match() of net/core/fib_rules.c.
#include "engine/fib_rules.h"

#include <cerrno>

namespace podroute {
namespace {

bool in_port_range(std::uint16_t from, std::uint16_t to, std::uint16_t port) {
    return (from == 0 && to == 0) || (port >= from && port <= to);
}

// An absent source is the unspecified address, as in an output lookup of the kernel. For IPv6 a rule with a
// source then never matches (fib6_rule_match() wants RT6_LOOKUP_F_HAS_SADDR).
bool source_matches(const Rule& rule, const FibQuery& query) {
    if (!rule.source || rule.source->is_default()) return true;
    if (query.source) return rule.source->contains(*query.source);
    return rule.family == Family::v4 && rule.source->contains(Address::v4(0));
}

bool selectors_match(const Rule& rule, const FibQuery& query) {
    const std::string_view iif = query.iif.empty() ? "lo" : std::string_view(query.iif);
    if (!rule.iif.empty() && rule.iif != iif) return false;
    if (!rule.oif.empty()) return false;  // no query names one
    if (((rule.fwmark ^ query.mark) & rule.fwmask) != 0) return false;
    if (rule.l3mdev || rule.tun_id) return false;
    // Whose packet it is, is not known: judged as root's, as forwarded packets are.
    if (rule.uid_from.value_or(0) > 0) return false;
    if (rule.tos != 0) return false;
    if (rule.ip_proto != 0 && rule.ip_proto != query.ip_proto) return false;
    if (!in_port_range(rule.source_port_from, rule.source_port_to, 0)) return false;
    if (!in_port_range(rule.destination_port_from, rule.destination_port_to, query.destination_port))
        return false;
    if (rule.destination && !rule.destination->contains(query.destination)) return false;
    return source_matches(rule, query);
}

bool is_plain(const Rule& rule, std::uint32_t priority, std::uint32_t table) {
    Rule plain;
    plain.family = rule.family;
    plain.priority = priority;
    plain.action = kActionToTable;
    plain.table = table;
    return rule == plain;
}

}  // namespace

bool rule_matches(const Rule& rule, const FibQuery& query) {
    return selectors_match(rule, query) != rule.invert;
}

int rule_error(std::uint8_t action) {
    if (action == kActionUnreachable) return ENETUNREACH;
    return action == kActionProhibit ? EACCES : EINVAL;
}

bool local_and_main_merged(const RuleList& rules) {
    return rules.size() == 3 && is_plain(*rules[0], 0, kTableLocal) &&
           is_plain(*rules[1], 32766, kTableMain) && is_plain(*rules[2], 32767, kTableDefault);
}

bool is_custom(const Rule& rule) {
    const bool to_table = rule.action == 1;
    return !to_table ||
           (rule.table != kTableMain && rule.table != kTableLocal && rule.table != kTableDefault);
}

}  // namespace podroute
