// path-mtu: packets as large as the pod link takes, which may not be fragmented, get there, or a router names
// the size that does (RFC 1191, RFC 8201). The way back is the verdict of the pair the other way.
#include "checks/checks.h"
#include "checks/packets.h"
#include "engine/full_size.h"
#include "engine/loss.h"

namespace podroute {
namespace {

std::string bytes(const ProbedFlow& flow) {
    return std::to_string(flow.size) + " bytes";
}

std::string arrived(const ProbedFlow& flow) {
    return std::to_string(flow.arrived) + " of " + std::to_string(flow.sent) + " packets of " + bytes(flow) +
           " arrived";
}

// Large ones say nothing where the pair's own packets do not pass.
Verdict hidden(Verdict made, const ProbedFlow& flow) {
    made.message = "small packets are lost already";
    if (flow.arrived > 0) made.message += "; " + arrived(flow);
    made.blocked_by = check_of(flow.protocol);
    return made;
}

Verdict swallowed(Verdict made, const FullSize& sizes) {
    const ProbedFlow& flow = *sizes.largest;
    const std::string passing = sizes.passing != nullptr ? ", " + bytes(*sizes.passing) + " pass" : "";
    made.observed = bytes(flow) + " are lost" + passing;
    made.message = made.observed;
    if (flow.protocol == Protocol::tcp) made.message += "; sent by TCP, since echo is filtered";
    made.expected = bytes(flow) + " pass, or a router names the size that does";
    return made;
}

// Lost, and nothing says whether for their size.
Verdict untold(Verdict made, const FullSize& sizes) {
    const ProbedFlow& flow = *sizes.largest;
    made.message = arrived(flow);
    if (flow.protocol == Protocol::tcp && sizes.passing == nullptr && sizes.tried > 1) {
        made.message += ", and no SYN with a payload of any size; echo, which would tell, is filtered";
        made.blocked_by = "icmp-filtered";
    } else {
        made.message += "; too few were sent to tell whether they are lost for their size";
    }
    return made;
}

Verdict judge(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts,
              const FullSize& sizes) {
    const ProbedFlow& flow = *sizes.largest;
    const auto made = [&](Status status, std::string message) {
        return pair_verdict(snapshot.inventory, flow, status, std::move(message));
    };
    const auto in_part = [&] {
        return arrived(flow) + "; " + loss_interval_text(flow.sent - flow.arrived, flow.sent);
    };
    switch (finding_of(facts, sizes, snapshot.policy.max_loss_ppm)) {
        case SizeFinding::passes:
            return made(Status::pass,
                        bytes(flow) + (flow.protocol == Protocol::tcp ? " pass by TCP" : " pass"));
        case SizeFinding::passes_as_named:
            return made(Status::pass, bytes(*sizes.passing) + " pass, as a router on the way asks for");
        case SizeFinding::few_lost:
            return made(Status::warn, in_part());
        case SizeFinding::many_lost:
            return made(Status::fail, in_part());
        case SizeFinding::swallowed:
            return swallowed(made(Status::fail, ""), sizes);
        case SizeFinding::untold:
            return untold(made(Status::unknown, ""), sizes);
        case SizeFinding::hidden:
            return hidden(made(Status::skip, ""), flow);
        case SizeFinding::unknown:
            break;
    }
    const ProbedFlow* small = facts.either_way(flow.source, flow.destination, flow.protocol);
    return unknown_pair(snapshot, expected, flow.unknown.empty() && small != nullptr ? *small : flow);
}

}  // namespace

std::vector<Verdict> path_mtu(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts) {
    if (!packets_sent(snapshot)) return {};
    const auto foreign = foreign_datapaths(snapshot);
    std::vector<Verdict> verdicts;
    for (const FullSize& sizes : full_sizes(facts))
        verdicts.push_back(unless_foreign(judge(snapshot, expected, facts, sizes), foreign));
    return verdicts;
}

}  // namespace podroute
