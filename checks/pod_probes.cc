// pod-icmp, pod-tcp, pod-udp: packets of one protocol get from one end of a pair to the other and their
// answers come back. An answer counts only for what the target's host says arrived.
//
// Why they do not is found by joining all pairs with the tables (engine/diagnose.h), not here.
#include "checks/checks.h"
#include "checks/common.h"
#include "checks/packets.h"
#include "engine/loss.h"
#include "engine/packet_words.h"

namespace podroute {
namespace {

std::string counts(const ProbedFlow& flow) {
    return std::to_string(flow.heard()) + " of " + std::to_string(flow.sent) + " answered";
}

std::string lost_text(const ProbedFlow& flow) {
    const std::string sent = std::to_string(flow.sent);
    switch (flow.fate()) {
        case ProbeFate::request_lost:
            return "none of " + sent + " arrived";
        case ProbeFate::reply_lost:
            return std::to_string(flow.arrived) + " of " + sent + " arrived, no answer came back";
        case ProbeFate::answered_unseen:
            if (flow.arrived > 0)
                return std::to_string(flow.arrived) + " of " + sent +
                       " arrived, and were reset by somebody else than who listens there";
            return "answered, but none of " + sent + " arrived: somebody else did";
        case ProbeFate::not_sent:
            return not_sent_text(flow);
        case ProbeFate::works:
        case ProbeFate::partly_lost:
        case ProbeFate::unknown:
            break;
    }
    return std::to_string(flow.arrived) + " of " + sent + " arrived, " + std::to_string(flow.heard()) +
           " answered; " + (flow.refused() > 0 ? not_sent_text(flow) + "; " : "") +
           loss_interval_text(flow.lost(), flow.tried());
}

Verdict judge(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts,
              const ProbedFlow& flow) {
    const auto made = [&](Status status, std::string message) {
        return pair_verdict(snapshot.inventory, flow, status, std::move(message));
    };
    switch (finding_of(facts, flow, snapshot.policy.max_loss_ppm)) {
        case Finding::fine:
            return made(Status::pass, counts(flow));
        case Finding::rewritten:
            return made(Status::warn, counts(flow) + ", from " + flow.source_seen->to_string() +
                                          " instead of " + flow.source.address.to_string());
        case Finding::few_lost:
            return made(Status::warn, lost_text(flow));
        case Finding::filtered:
            return made(Status::warn, lost_text(flow) + "; TCP passes");
        case Finding::many_lost:
        case Finding::lost:
            return made(Status::fail, lost_text(flow));
        case Finding::unknown:
            break;
    }
    return unknown_pair(snapshot, expected, flow);
}

// A pod network that no packet of this protocol was planned from or to: its host was not read, say.
void add_unprobed(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts,
                  Protocol protocol, std::vector<Verdict>& verdicts) {
    std::set<Prefix> probed;
    for (const ProbedFlow& flow : facts.verdicts) {
        if (flow.protocol != protocol) continue;
        for (const Endpoint* end : {&flow.source, &flow.destination}) {
            const InventoryHost* host = snapshot.inventory.find(end->host);
            if (host == nullptr || end->vantage != Vantage::pod) continue;
            for (const Prefix& cidr : host->pod_cidrs)
                if (cidr.contains(end->address)) probed.insert(cidr);
        }
    }
    if (probed.empty() || snapshot.policy.pair) return;
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        for (const Prefix& cidr : host.pod_cidrs) {
            if (lacks_second_pod(snapshot, host.name, cidr)) {
                verdicts.push_back(verdict(host, cidr.to_string(), Status::unknown,
                                           "no packet was sent between two pods of " + host.name));
                verdicts.back().blocked_by = "probe-unavailable";
            }
            if (probed.contains(cidr)) continue;
            Verdict made = not_read(snapshot, host, cidr.to_string());
            if (facts_of(snapshot, host.name) != nullptr) {
                made.message = "no packet was sent from or to pods of " + host.name;
                made.blocked_by =
                    pods_opened(snapshot, host.name, cidr) > 0 ? "" : why_no_pod(snapshot, expected, host);
            }
            verdicts.push_back(std::move(made));
        }
    }
}

std::vector<Verdict> judge_all(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts,
                               Protocol protocol) {
    if (!packets_sent(snapshot)) return {};
    const auto foreign = foreign_datapaths(snapshot);
    std::vector<Verdict> verdicts;
    for (const ProbedFlow& flow : facts.verdicts)
        if (flow.protocol == protocol)
            verdicts.push_back(unless_foreign(judge(snapshot, expected, facts, flow), foreign));
    add_unprobed(snapshot, expected, facts, protocol, verdicts);
    return verdicts;
}

}  // namespace

std::vector<Verdict> pod_icmp(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts) {
    return judge_all(snapshot, expected, facts, Protocol::icmp);
}
std::vector<Verdict> pod_tcp(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts) {
    return judge_all(snapshot, expected, facts, Protocol::tcp);
}
std::vector<Verdict> pod_udp(const Snapshot& snapshot, const Expected& expected, const ProbeFacts& facts) {
    return judge_all(snapshot, expected, facts, Protocol::udp);
}

}  // namespace podroute
