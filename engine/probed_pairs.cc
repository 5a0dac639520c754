// Joins flows with their checks.
#include "engine/probed_pairs.h"

#include <algorithm>

namespace podroute {

bool ProbedPair::all_pass() const {
    return !probes.empty() && std::all_of(probes.begin(), probes.end(), [](const PairProbe& probe) {
        return probe.finding == Finding::fine || probe.finding == Finding::rewritten;
    });
}

ProbedPairs::ProbedPairs(const Snapshot& snapshot, const ProbeFacts& facts, std::span<const Verdict> verdicts,
                         std::span<const std::string> check_ids)
    : snapshot_(snapshot) {
    for (std::size_t i = 0; i < verdicts.size(); ++i)
        if (verdicts[i].layer >= Layer::icmp)
            checks_.emplace(std::tuple(verdicts[i].check, verdicts[i].host, verdicts[i].subject),
                            std::pair(verdicts[i].status, check_ids[i]));
    for (const ProbedFlow& flow : facts.verdicts) add(facts, flow, check_of(flow.protocol));
    for (const ProbedFlow& flow : facts.next_hops) add(facts, flow, kNextHopsCheck);
}

void ProbedPairs::add(const ProbeFacts& facts, const ProbedFlow& flow, std::string_view code) {
    const auto* found = check(code, flow);
    if (found == nullptr) return;
    const auto [at, added] = index_.emplace(key_of(flow.source, flow.destination), pairs_.size());
    if (added) pairs_.push_back({{flow.source, flow.destination, 0, 0}, {}});
    const Finding finding = finding_of(facts, flow, snapshot_.policy.max_loss_ppm);
    pairs_[at->second].probes.push_back({&flow, finding, found->first, found->second});
    ++counts_.total;
    if (found->first == Status::fail) ++counts_.broken;
    if (found->first == Status::unknown) ++counts_.unknown;
}

Prefix ProbedPairs::network_of(const Endpoint& endpoint) const {
    const InventoryHost* host = snapshot_.inventory.find(endpoint.host);
    if (host != nullptr && endpoint.vantage == Vantage::pod)
        for (const Prefix& cidr : host->pod_cidrs)
            if (cidr.contains(endpoint.address)) return cidr;
    return Prefix::host(endpoint.address);
}

ProbedPairs::Key ProbedPairs::key_of(const Endpoint& source, const Endpoint& destination) const {
    return {source.host, network_of(source), destination.host, network_of(destination)};
}

const ProbedPair* ProbedPairs::find(const Flow& flow) const {
    const auto at = index_.find(key_of(flow.source, flow.destination));
    return at == index_.end() ? nullptr : &pairs_[at->second];
}

const std::pair<Status, std::string>* ProbedPairs::check(std::string_view code,
                                                         const ProbedFlow& flow) const {
    const auto at =
        checks_.find(std::tuple(std::string(code), flow.source.host, flow_name(snapshot_.inventory, flow)));
    return at == checks_.end() ? nullptr : &at->second;
}

}  // namespace podroute
