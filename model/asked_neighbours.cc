// Joins the rounds.
#include "model/asked_neighbours.h"

namespace podroute {
namespace {

constexpr std::uint16_t kIncomplete = 1, kReachable = 2, kFailed = 32, kNoArp = 64, kPermanent = 128;

}  // namespace

bool confirmed(const Neighbour& entry) {
    return (entry.state & (kReachable | kNoArp | kPermanent)) != 0;
}

bool unresolved(const Neighbour& entry) {
    return (entry.state & ~(kIncomplete | kFailed)) == 0;
}

bool AskedNeighbour::silent() const {
    if (!macs.empty()) return false;
    if (solicited && unresolved(*solicited)) return true;
    if (solicited && confirmed(*solicited)) return false;
    return questions >= kEnoughQuestions;
}

AskedNeighbours asked_neighbours(const Snapshot& snapshot, const HostId& host) {
    AskedNeighbours asked;
    for (const RoundResult& round : snapshot.rounds) {
        const auto at = round.hosts.find(host);
        if (at == round.hosts.end() || !at->second.known()) continue;
        for (const Neighbour& entry : at->second->solicited)
            asked[{entry.address, entry.ifindex}].solicited = entry;
        for (const NeighbourAnswers& answers : at->second->answers) {
            AskedNeighbour& one = asked[{answers.address, answers.ifindex}];
            ++one.questions;
            one.macs.insert(one.macs.end(), answers.macs.begin(), answers.macs.end());
        }
    }
    return asked;
}

}  // namespace podroute
