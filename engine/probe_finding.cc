// Judges one flow at a time.
#include "engine/probe_finding.h"

#include <algorithm>

#include "engine/carrier.h"
#include "engine/loss.h"

namespace podroute {
namespace {

// RFC 792, RFC 4443.
constexpr std::uint8_t kUnreachable4 = 3, kTooBig4Code = 4, kTimeExceeded4 = 11;
constexpr std::uint8_t kUnreachable6 = 1, kTooBig6 = 2, kTimeExceeded6 = 3;

bool time_exceeded(const Objection& objection, Family family) {
    return !objection.reset && objection.type == (family == Family::v4 ? kTimeExceeded4 : kTimeExceeded6);
}

bool tcp_works(const ProbeFacts& facts, const ProbedFlow& flow) {
    const ProbedFlow* tcp = facts.find(flow.source, flow.destination, Protocol::tcp);
    return tcp != nullptr && tcp->fate() == ProbeFate::works;
}

}  // namespace

bool somebody_else_answers(const ProbedFlow& flow) {
    const bool reset = std::any_of(flow.objections.begin(), flow.objections.end(),
                                   [](const Objection& objection) { return objection.reset; });
    return flow.fate() == ProbeFate::answered_unseen && flow.answered > 0 && !reset;
}

bool too_big(const Objection& objection, Family family) {
    if (objection.reset) return false;
    return family == Family::v4 ? objection.type == kUnreachable4 && objection.code == kTooBig4Code
                                : objection.type == kTooBig6;
}

bool unreachable(const Objection& objection, Family family) {
    if (objection.reset || too_big(objection, family)) return false;
    return objection.type == (family == Family::v4 ? kUnreachable4 : kUnreachable6);
}

bool knows_no_way(const Objection& objection) {
    static constexpr std::uint8_t kNoRoute4 = 0, kNoHost4 = 1, kNoRoute6 = 0, kNoAddress6 = 3;
    const std::uint8_t code = objection.code;
    if (!unreachable(objection, objection.from.family())) return false;
    return objection.from.is_v4() ? code == kNoRoute4 || code == kNoHost4
                                  : code == kNoRoute6 || code == kNoAddress6;
}

Finding finding_of(const ProbeFacts& facts, const ProbedFlow& flow, std::uint32_t max_loss_ppm) {
    switch (flow.fate()) {
        case ProbeFate::unknown:
            return Finding::unknown;
        case ProbeFate::works:
            return flow.source_seen ? Finding::rewritten : Finding::fine;
        case ProbeFate::partly_lost: {
            const LossInterval loss = loss_interval(flow.lost(), flow.tried());
            return loss.lower * 1e6 > max_loss_ppm ? Finding::many_lost : Finding::few_lost;
        }
        case ProbeFate::request_lost:
        case ProbeFate::reply_lost:
        case ProbeFate::answered_unseen:
        case ProbeFate::not_sent:
            break;
    }
    const bool echo = flow.protocol == Protocol::icmp && flow.purpose == Purpose::verdict;
    return echo && tcp_works(facts, flow) ? Finding::filtered : Finding::lost;
}

std::vector<HostId> detour(const Snapshot& snapshot, const ProbedFlow& flow) {
    std::vector<HostId> hosts;
    const auto add = [&](const HostId& host) {
        if (host.empty() || host == flow.source.host || host == flow.destination.host) return;
        if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
    };
    for (const auto& [result, round] : flow.rounds) {
        // A switch may flood a frame to every port: only what a host sends on has passed it.
        for (const Sighting& sighting : result->sightings)
            if (sighting.leaving && sighting.count > 0) add(sighting.host);
    }
    for (const HopAnswer& answer : hop_answers(snapshot, flow)) add(answer.host);
    return hosts;
}

std::vector<HopAnswer> hop_answers(const Snapshot& snapshot, const ProbedFlow& flow) {
    std::vector<HopAnswer> answers;
    for (const auto& [result, round] : flow.rounds) {
        if (result->purpose != Purpose::hop_limit) continue;
        for (const Objection& objection : result->objections)
            if (time_exceeded(objection, flow.source.address.family()))
                answers.push_back(
                    {result->hop_limit, objection.from, carrier(snapshot, flow, objection.from)});
    }
    std::stable_sort(answers.begin(), answers.end(),
                     [](const HopAnswer& a, const HopAnswer& b) { return a.hop < b.hop; });
    return answers;
}

}  // namespace podroute
