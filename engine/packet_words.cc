// Words.
#include "engine/packet_words.h"

#include <algorithm>
#include <system_error>

#include "engine/loss.h"
#include "engine/probe_finding.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxNetworks = 4, kMaxNames = 4;

std::string leg_text(ProbeLeg leg) {
    return leg == ProbeLeg::request ? "request" : "reply";
}

}  // namespace

std::string protocols_text(const std::set<Protocol>& protocols) {
    std::string text;
    std::size_t left = protocols.size();
    for (const Protocol protocol : protocols) {
        if (!text.empty()) text += left == 1 ? " and " : ", ";
        text += to_string(protocol);
        --left;
    }
    return text;
}

std::string objection_text(const Objection& objection) {
    if (objection.reset) return "a TCP reset in the name of " + objection.from.to_string();
    return std::string(objection.from.is_v4() ? "ICMP " : "ICMPv6 ") + std::to_string(objection.type) + "/" +
           std::to_string(objection.code) + " from " + objection.from.to_string();
}

std::string not_sent_text(const ProbedFlow& flow) {
    std::uint32_t count = 0;
    int error = flow.refusal();
    for (const NotSent& some : flow.not_sent) {
        if (error == 0) error = some.error;
        if (some.error == error) count += some.count;
    }
    std::uint32_t all = flow.sent;
    for (const NotSent& some : flow.not_sent) all += some.count;
    return flow.source.host + " would not send " + std::to_string(count) + " of " + std::to_string(all) +
           ": " + std::generic_category().message(error);
}

std::string loss_text(const ProbedFlow& flow, const Place& at) {
    if (flow.fate() == ProbeFate::not_sent)
        return std::string(to_string(flow.protocol)) + " request, " + not_sent_text(flow);
    const ProbeLeg leg = at.interface.empty() ? flow.failed_leg() : at.leg;
    if (flow.fate() == ProbeFate::partly_lost && flow.refused() > 0 && flow.heard() == flow.sent)
        return std::string(to_string(flow.protocol)) + " request, " + not_sent_text(flow) + "; " +
               loss_interval_text(flow.lost(), flow.tried());
    std::string text = std::string(to_string(flow.protocol)) + " " + leg_text(leg);
    if (flow.purpose == Purpose::full_size) text += " of " + std::to_string(flow.size) + " bytes";
    text += at.interface.empty() ? " lost" : " last seen at " + at.interface + " of " + at.host;
    text += ", " + std::to_string(flow.arrived) + " of " + std::to_string(flow.sent) + " arrived";
    if (flow.arrived > 0 && flow.answers_count()) text += ", " + std::to_string(flow.heard()) + " answered";
    if (somebody_else_answers(flow)) text += ", answered by somebody else";
    if (flow.refused() > 0) text += ", " + not_sent_text(flow);
    if (flow.fate() == ProbeFate::partly_lost) text += "; " + loss_interval_text(flow.lost(), flow.tried());
    return text;
}

std::string deaf_text(const Place& at) {
    std::string names;
    for (std::size_t i = 0; i < at.deaf.size() && i < kMaxNames; ++i)
        names += (i == 0 ? "" : ", ") + at.deaf[i];
    if (at.deaf.size() > kMaxNames)
        names += " and " + more_text(at.deaf.size() - kMaxNames, "host").substr(4);
    return names.empty() ? ""
                         : "the uplink of " + names + " was not listened on, or not all was kept" +
                               (at.kind == PlaceKind::between ? ": packets may have entered there" : "");
}

std::string more_text(std::size_t n, const std::string& what) {
    return "and " + std::to_string(n) + " more " + what + (n == 1 ? "" : "s");
}

std::string networks_text(const Inventory& inventory, const HostId& host, Family family) {
    std::set<HostId> hosts;
    for (const InventoryHost& entry : inventory.hosts)
        if (host.empty() || entry.name == host) hosts.insert(entry.name);
    return networks_text(inventory, hosts, {family});
}

std::string networks_text(const Inventory& inventory, const std::set<HostId>& hosts,
                          const std::set<Family>& families) {
    std::string text;
    std::size_t n = 0;
    for (const InventoryHost& entry : inventory.hosts) {
        if (!hosts.contains(entry.name)) continue;
        for (const Prefix& cidr : entry.pod_cidrs) {
            if (!families.contains(cidr.family())) continue;
            if (++n <= kMaxNetworks) text += (text.empty() ? "" : ", ") + cidr.to_string();
        }
    }
    return n > kMaxNetworks ? text + " and " + std::to_string(n - kMaxNetworks) + " more" : text;
}

}  // namespace podroute
