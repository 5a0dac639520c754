// A trial of the packet prober over a simulated cluster, and what is asked of its results.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/probes_world.h"

namespace podroute::testing {

using Stages = std::vector<RoundStage>;

inline Stages stages(const Snapshot& snapshot) {
    Stages out;
    for (const auto& round : snapshot.rounds) out.push_back(round.stage);
    return out;
}

inline std::string name(const ProbeResult& r) {
    return to_string(r.source) + " > " + to_string(r.destination) + " " + std::string(to_string(r.protocol));
}

// Of one purpose, by source, destination and protocol; of all rounds together.
inline std::vector<const ProbeResult*> results(const Snapshot& snapshot, Purpose purpose,
                                               const std::string& named = "") {
    std::vector<const ProbeResult*> out;
    for (const auto& round : snapshot.rounds)
        for (const auto& r : round.probes)
            if (r.purpose == purpose && (named.empty() || name(r) == named)) out.push_back(&r);
    return out;
}

// Sums over the rounds, as a judge makes them.
inline ProbeResult total(const Snapshot& snapshot, const std::string& named) {
    ProbeResult sum;
    for (const auto* r : results(snapshot, Purpose::verdict, named)) {
        sum.sent += r->sent;
        sum.arrived += r->arrived;
        sum.answered += r->answered;
        if (r->source_seen) sum.source_seen = r->source_seen;
        sum.objections.insert(sum.objections.end(), r->objections.begin(), r->objections.end());
        sum.sightings.insert(sum.sightings.end(), r->sightings.begin(), r->sightings.end());
    }
    return sum;
}

inline bool sighted(const ProbeResult& r, const HostId& host, const std::string& interface, bool leaving,
                    ProbeLeg leg = ProbeLeg::request) {
    for (const auto& s : r.sightings)
        if (s.host == host && s.interface == interface && s.leaving == leaving && s.leg == leg) return true;
    return false;
}

// Packets of a protocol from one pod network to another that are at this place.
inline bool is(const Place& place, const HostId& host, std::uint32_t ifindex, bool leaving) {
    return place.host == host && place.ifindex == ifindex && place.pod == 0 && place.leaving == leaving;
}
inline bool goes(const Bytes& ip, const std::string& from, const std::string& to) {
    return prefix(from).contains(source_of(ip)) && prefix(to).contains(destination_of(ip));
}

struct Trial {
    explicit Trial(const ClusterOptions& options = {}) : cluster(options), world(cluster) {}
    Snapshot& observe() {
        PacketProber prober;
        return world.observe(prober);
    }
    Cluster cluster;
    World world;
};

// From its pods to those of node-1, when it forwards them.
inline Fate request_dies_in_node_0(const Place& p, const Bytes& ip, bool) {
    return {.lost = is(p, "node-0", kEth0, true) && goes(ip, "10.200.0.0/24", "10.200.1.0/24"),
            .sent_back = {},
            .new_source = {}};
}

}  // namespace podroute::testing
