// path-mtu: packets as large as the pod link takes, which may not be fragmented, get there and back, or a
// router names the size that does (RFC 1191, RFC 8201).
#include "checks/checks.h"
#include "checks/packets.h"

namespace podroute {
namespace {

// Where small packets are lost already, a few of them or all, large ones say nothing of their size.
bool small_ones_pass(const ProbeFacts& facts, const ProbedFlow& flow) {
    const ProbedFlow* small = facts.find(flow.source, flow.destination, flow.protocol);
    return small == nullptr || small->fate() == ProbeFate::works;
}

Verdict judge(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts,
              const FullSize& sizes) {
    const ProbedFlow& flow = *sizes.largest;
    if (sizes.unknown()) return unknown_pair(snapshot, expected, flow);
    const auto made = [&](Status status, std::string message) {
        return pair_verdict(snapshot.inventory, flow, status, std::move(message));
    };
    const std::string size = std::to_string(flow.size) + " bytes";
    if (sizes.passing == sizes.largest) return made(Status::pass, size + " pass");
    if (sizes.works())
        return made(Status::pass,
                    std::to_string(sizes.passing->size) + " bytes pass, as a router on the way asks for");
    if (!small_ones_pass(facts, flow)) {
        Verdict skipped = made(Status::skip, "small packets are lost already");
        skipped.blocked_by = check_of(flow.protocol);
        return skipped;
    }
    const std::string passing =
        sizes.passing != nullptr ? ", " + std::to_string(sizes.passing->size) + " bytes pass" : "";
    Verdict failed = made(Status::fail, size + " are lost" + passing);
    failed.expected = size + " pass, or a router names the size that does";
    failed.observed = size + " are lost" + passing;
    return failed;
}

}  // namespace

std::vector<Verdict> path_mtu(const Snapshot& snapshot, const Expected& expected) {
    if (!packets_sent(snapshot)) return {};
    const ProbeFacts facts = fold_probes(snapshot);
    const auto foreign = foreign_datapaths(snapshot);
    std::vector<Verdict> verdicts;
    for (const FullSize& sizes : full_sizes(facts))
        verdicts.push_back(unless_foreign(judge(snapshot, expected, facts, sizes), foreign));
    return verdicts;
}

}  // namespace podroute
