// next-hops: where a route has several next hops, each of them delivers. Which one a packet takes depends on
// a hash, so that a dead one breaks some pods and not others. Tried with addresses that nobody need have:
// what counts is that the owner of the pod network gets the packet.
#include "checks/checks.h"
#include "checks/packets.h"
#include "engine/loss.h"

namespace podroute {
namespace {

Status status_of(Finding finding) {
    switch (finding) {
        case Finding::fine:
        case Finding::rewritten:
            return Status::pass;
        case Finding::few_lost:
            return Status::warn;
        case Finding::many_lost:
        case Finding::filtered:
        case Finding::lost:
            return Status::fail;
        case Finding::unknown:
            break;
    }
    return Status::unknown;
}

}  // namespace

std::vector<Verdict> next_hops(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts) {
    if (!packets_sent(snapshot)) return {};
    const auto foreign = foreign_datapaths(snapshot);
    std::vector<Verdict> verdicts;
    for (const ProbedFlow& flow : facts.next_hops) {
        const Status status = status_of(finding_of(facts, flow, snapshot.policy.max_loss_ppm));
        if (status == Status::unknown) {
            verdicts.push_back(unknown_pair(snapshot, expected, flow));
            continue;
        }
        std::string message =
            std::to_string(flow.heard()) + " of " + std::to_string(flow.tried()) + " arrived";
        if (flow.fate() == ProbeFate::partly_lost)
            message += "; " + loss_interval_text(flow.lost(), flow.tried());
        Verdict made = pair_verdict(snapshot.inventory, flow, status, std::move(message));
        verdicts.push_back(unless_foreign(std::move(made), foreign));
    }
    return verdicts;
}

}  // namespace podroute
