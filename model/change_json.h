// The fields of changes, for wire and report. See model/json.h.
#pragma once

#include "model/facts_json.h"
#include "model/fix.h"
#include "model/probe.h"

namespace podroute {

template <class V>
void fields(V& v, RouteObject& x, const RouteObject& d) {
    PODROUTE_FIELD(destination), PODROUTE_FIELD(table), PODROUTE_FIELD(metric), PODROUTE_FIELD(tos);
}
template <class V>
void fields(V& v, NeighbourObject& x, const NeighbourObject& d) {
    PODROUTE_FIELD(address), PODROUTE_FIELD(ifindex);
}
template <class V>
void fields(V& v, SysctlObject& x, const SysctlObject& d) {
    PODROUTE_FIELD(name);
}
template <class V>
void fields(V& v, SysctlSetObject& x, const SysctlSetObject& d) {
    PODROUTE_FIELD(name);
}
template <class V>
void fields(V& v, FileObject& x, const FileObject& d) {
    PODROUTE_FIELD(path);
}
template <class V>
void fields(V& v, RuleObject& x, const RuleObject& d) {
    PODROUTE_FIELD(rule);
}
template <class V>
void fields(V& v, LinkObject& x, const LinkObject& d) {
    PODROUTE_FIELD(name);
}
template <class V>
void fields(V& v, Change& x, const Change& d) {
    PODROUTE_FIELD(object), PODROUTE_FIELD(before), PODROUTE_FIELD(after);
}
template <class V>
void fields(V& v, ChangeOutcome& x, const ChangeOutcome& d) {
    PODROUTE_FIELD(status), PODROUTE_FIELD(reason), PODROUTE_FIELD(found);
}

namespace codec {

template <>
struct EnumNames<Protocol> {
    static constexpr std::string_view names[] = {"icmp", "tcp", "udp"};
};
template <>
struct EnumNames<FixStatus> {
    static constexpr std::string_view names[] = {"planned", "applied",  "already", "refused",
                                                 "failed",  "reverted", "undone"};
};

template <>
struct VariantNames<Object> {
    static constexpr std::string_view names[] = {"route", "neighbour", "sysctl",    "file",
                                                 "rule",  "link",      "sysctl_set"};
};
template <>
struct VariantNames<State> {
    static constexpr std::string_view names[] = {"route", "neighbour", "text", "values"};
};

}  // namespace codec

}  // namespace podroute
