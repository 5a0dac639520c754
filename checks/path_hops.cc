// path-hops: packets that get through take the expected way: pod, own host, owner, pod. A warning: they do
// get through. Only pairs whose way was looked at.
#include <map>

#include "checks/checks.h"
#include "checks/common.h"
#include "checks/packets.h"

namespace podroute {
namespace {

Verdict judge(const Snapshot& snapshot, const ProbedFlow& flow) {
    const auto hosts = detour(snapshot, flow);
    const std::string ends =
        flow.same_host() ? flow.source.host : flow.source.host + ", " + flow.destination.host;
    Verdict made = pair_verdict(snapshot.inventory, flow, Status::pass, "by way of " + ends);
    made.expected = ends;
    made.observed = ends;
    if (hosts.empty()) return made;
    made.status = Status::warn;
    made.message = "by way of " + joined_text(hosts) + " too";
    made.observed = flow.source.host;
    for (const HostId& host : hosts) made.observed += ", " + host;
    made.observed += ", " + flow.destination.host;
    return made;
}

}  // namespace

// One verdict for each pair, of the first protocol that works.
std::vector<Verdict> path_hops(const Snapshot& snapshot, const Expected&, const ProbeFacts& facts) {
    if (!packets_sent(snapshot)) return {};
    std::vector<Verdict> verdicts;
    std::map<std::pair<Endpoint, Endpoint>, std::size_t> index;
    for (const ProbedFlow& flow : facts.verdicts) {
        if (flow.fate() != ProbeFate::works || !flow.watched) continue;
        const auto [at, added] = index.emplace(std::pair(flow.source, flow.destination), verdicts.size());
        Verdict made = judge(snapshot, flow);
        if (added)
            verdicts.push_back(std::move(made));
        else if (made.status == Status::warn)
            verdicts[at->second] = std::move(made);
    }
    return verdicts;
}

}  // namespace podroute
