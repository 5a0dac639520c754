// What all rounds together say of each ordered pair and protocol.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "engine/chance.h"
#include "model/endpoint_hash.h"
#include "model/refusal.h"
#include "model/report.h"
#include "model/snapshot.h"

namespace podroute {

enum class ProbeFate : std::uint8_t {
    works,            // all arrived, all answers came back
    request_lost,     // none arrived
    reply_lost,       // some or all arrived, no answer came back
    answered_unseen,  // answered though none arrived, or reset though it listens: somebody else did
    partly_lost,
    not_sent,  // all of them the sender's own kernel would not send: its filter or its routes said no
    unknown
};

// What one round says of a flow. Of the snapshot, which must outlive this.
struct RoundSays {
    const ProbeResult* result;
    const RoundResult* round;
};

// One ordered pair and protocol (or one size of full-size packets, or one next hop of a route).
struct ProbedFlow {
    Endpoint source, destination;
    Protocol protocol = Protocol::icmp;
    Purpose purpose = Purpose::verdict;
    std::uint32_t size = 0;  // bytes of the IP packet
    std::uint32_t sent = 0, arrived = 0, answered = 0;
    std::optional<Address> source_seen;
    std::vector<std::uint32_t> round_trips_us;
    std::vector<Objection> objections;  // those to packets with a small hop limit left out
    std::vector<NotSent> not_sent;      // beside `sent`: an entry for each errno
    std::string unknown;                // why nothing may be concluded, else empty
    std::optional<Address> next_hop;    // of a leg of a route: the gateway
    bool watched = false;               // in some round captures stood on the way at both ends
    std::vector<RoundSays> rounds;      // those with a small hop limit included

    // What counts as a failed or explained probe of the run. The sizes of a pair are no pairs of their own.
    bool is_pair() const { return purpose != Purpose::full_size; }
    bool same_host() const { return source.host == destination.host; }
    // False of large packets and of those by one next hop: what arrived counts.
    bool answers_count() const;
    // Answers count only for what arrived.
    std::uint32_t heard() const;
    ProbeFate fate() const;
    // Those that were sent, and those that the sender's kernel refused to send.
    std::uint32_t tried() const { return sent + refused(); }
    std::uint32_t refused() const { return podroute::refused(source, not_sent); }
    std::uint32_t lost() const { return tried() - std::min(tried(), heard()); }
    int refusal() const { return podroute::refusal(source, not_sent); }
    // The leg that failed, of a fate other than works and unknown: of one that lost packets both ways, that
    // which lost most. Where few requests arrived, that none of these was answered tells nothing.
    ProbeLeg failed_leg() const;
    // The ends of that leg.
    const HostId& sender() const {
        return failed_leg() == ProbeLeg::request ? source.host : destination.host;
    }
    const HostId& target() const {
        return failed_leg() == ProbeLeg::request ? destination.host : source.host;
    }
};

// By the counts of the leg that failed.
Passage passage_of(const ProbedFlow& flow);

// Packets with a small hop limit: they show the way, and are no loss.
bool meant_to_die(const ProbeResult& result);

// All flows of a snapshot, in the order in which they were first probed.
struct ProbeFacts {
    std::vector<ProbedFlow> verdicts;   // pairs that may raise an alarm
    std::vector<ProbedFlow> evidence;   // of failed pairs: to and from nodes
    std::vector<ProbedFlow> full_size;  // one for each pair, protocol and size
    std::vector<ProbedFlow> next_hops;  // one for each pair and next hop; destinations differ

    bool any() const { return !verdicts.empty() || !full_size.empty(); }
    const ProbedFlow* find(const Endpoint& source, const Endpoint& destination, Protocol protocol) const;
    // Where a pair is probed one way only, the other way is that of its answers.
    const ProbedFlow* either_way(const Endpoint& source, const Endpoint& destination,
                                 Protocol protocol) const;
    std::unordered_map<std::tuple<Endpoint, Endpoint, Protocol>, std::size_t, EndpointHash>
        index;  // into verdicts
};

ProbeFacts fold_probes(const Snapshot& snapshot);
// True if any round sent packets between endpoints.
bool packets_sent(const Snapshot& snapshot);

// Those of one kind, from one address, become one, with the sum of their counts.
void add_up(std::vector<Objection>& into, const std::vector<Objection>& more);

// "pod node-0 → pod node-1", with " (IPv6)" for IPv6: the same from run to run.
std::string flow_name(const Inventory& inventory, const ProbedFlow& flow);  // with " via GATEWAY" of a leg
std::string pair_name(const Inventory& inventory, const Endpoint& source, const Endpoint& destination);

std::string_view check_of(Protocol protocol);  // "pod-icmp"
inline constexpr std::string_view kFullSizeCheck = "path-mtu", kHopsCheck = "path-hops",
                                  kNextHopsCheck = "next-hops";

}  // namespace podroute
