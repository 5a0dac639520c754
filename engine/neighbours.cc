// Judges neighbour entries by what answered when it was asked.
#include "engine/neighbours.h"

#include <algorithm>
#include <cctype>

namespace podroute {
namespace {

constexpr std::uint16_t kIncomplete = 1, kFailed = 32;

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

}  // namespace

Neighbours::Neighbours(const HostFacts& facts, const Snapshot& snapshot, const HostId& host) {
    if (facts.neighbours.known())
        for (const Neighbour& entry : *facts.neighbours) table_[{entry.address, entry.ifindex}] = &entry;
    for (const RoundResult& round : snapshot.rounds) {
        const auto at = round.hosts.find(host);
        if (at == round.hosts.end() || !at->second.known()) continue;
        for (const Neighbour& entry : at->second->solicited)
            solicited_[{entry.address, entry.ifindex}] = &entry;
        for (const NeighbourAnswers& answers : at->second->answers)
            if (!answers.macs.empty()) answers_[{answers.address, answers.ifindex}] = &answers.macs;
    }
}

const Neighbour* Neighbours::entry(const Address& address, std::uint32_t ifindex) const {
    const auto at = table_.find({address, ifindex});
    return at == table_.end() ? nullptr : at->second;
}

NeighbourState Neighbours::state(const Address& address, std::uint32_t ifindex) const {
    NeighbourState state;
    const Key key{address, ifindex};
    const Neighbour* known = entry(address, ifindex);
    const auto answers = answers_.find(key);
    if (known != nullptr) state.entry_mac = known->mac;
    if (answers != answers_.end()) state.answer_mac = answers->second->front();
    if (known != nullptr && known->permanent()) {
        state.wrong = answers != answers_.end() &&
                      std::none_of(answers->second->begin(), answers->second->end(),
                                   [&](const std::string& mac) { return lower(mac) == lower(known->mac); });
        return state;  // the kernel does not solicit what it holds for permanent
    }
    const auto solicited = solicited_.find(key);
    if (solicited == solicited_.end() || answers != answers_.end()) return state;
    const std::uint16_t nud = solicited->second->state;
    state.unresolved = nud == 0 || nud == kIncomplete || nud == kFailed;
    return state;
}

}  // namespace podroute
