// next-hops: where a route has several next hops, each of them delivers. Which one a packet takes depends on
// a hash, so that a dead one breaks some pods and not others. Tried with addresses that nobody need have:
// what counts is that the owner of the pod network gets the packet.
#include "checks/checks.h"
#include "checks/packets.h"

namespace podroute {

std::vector<Verdict> next_hops(const Snapshot& snapshot, const Expected& expected) {
    if (!packets_sent(snapshot)) return {};
    const ProbeFacts facts = fold_probes(snapshot);
    const auto foreign = foreign_datapaths(snapshot);
    std::vector<Verdict> verdicts;
    for (const ProbedFlow& flow : facts.next_hops) {
        if (flow.fate() == ProbeFate::unknown) {
            verdicts.push_back(unknown_pair(snapshot, expected, flow));
            continue;
        }
        const bool works = flow.fate() == ProbeFate::works;
        Verdict made =
            pair_verdict(snapshot.inventory, flow, works ? Status::pass : Status::fail,
                         std::to_string(flow.heard()) + " of " + std::to_string(flow.sent) + " arrived");
        verdicts.push_back(unless_foreign(std::move(made), foreign));
    }
    return verdicts;
}

}  // namespace podroute
