// What came of asking for the neighbours of one host, over all rounds: by its kernel, and by frames of ours.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/snapshot.h"

namespace podroute {

// Questions of ours that nobody answers before that counts: as many as the kernel's own (ucast_solicit of
// arp(7)), so that what is lost by chance is no silence.
inline constexpr unsigned kEnoughQuestions = 3;

struct AskedNeighbour {
    std::optional<Neighbour> solicited;  // the entry after the kernel was to resolve it; nothing: it was not
    unsigned questions = 0;              // frames of ours that asked for it
    std::vector<std::string> macs;       // of those who answered them, in order of arrival

    // Known not to answer. What the kernel could not resolve does not; an entry that holds a link-layer
    // address without having confirmed it says nothing: a question of the neighbour's own would have
    // taught it.
    bool silent() const;
};

// By address and link.
using AskedNeighbours = std::map<std::pair<Address, std::uint32_t>, AskedNeighbour>;
AskedNeighbours asked_neighbours(const Snapshot& snapshot, const HostId& host);

// Reachable, permanent, or without address resolution (NUD_*).
bool confirmed(const Neighbour& entry);
// Without a link-layer address: packets for it wait, or are dropped.
bool unresolved(const Neighbour& entry);

}  // namespace podroute
