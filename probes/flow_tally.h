// All that was seen of one flow in one round, probe by probe. Pure.
#pragma once

#include <bitset>
#include <map>
#include <optional>
#include <vector>

#include "model/probe_script.h"
#include "probes/reading.h"
#include "probes/round_builder.h"

namespace podroute {

// Numbers are those of the flow's probes, from 0. Each counts once, however often it was seen.
class FlowTally {
  public:
    using Numbers = std::bitset<128>;
    static_assert(kMaxCount <= 128);

    explicit FlowTally(const ProbeFlow& flow) : flow_(flow) {}

    // At a capture of any host; the point outlives this.
    void sight(const HostId& host, const CapturePoint& point, ProbeLeg leg, bool leaving, std::uint16_t nth);
    void left(std::uint16_t nth, std::uint64_t time_us);
    void arrive(std::uint16_t nth, const Address& source);
    // At the source: an answer, a reset or an objection.
    void come_back(std::uint16_t nth, const SeenPacket& seen, std::uint64_t time_us);
    // The source's kernel would not take it: so it never set out, unless somebody saw it all the same.
    void keep_back(std::uint16_t nth, int error);

    // The shortest round trip in us, UINT64_MAX if there was none.
    std::uint64_t least_round_trip() const;
    // Takes away answers that came too late to be the first ones, `least` being the shortest round trip of
    // the two hosts. A SYN-ACK that is lost is sent once more after 1 s (RFC 6298 section 2.1), and its
    // repetition is no answer: nothing is retried to green.
    void drop_repeated(std::uint64_t least);

    // Every probe arrived and was answered.
    bool whole() const;
    // An answer to one that arrived: of TCP, a connection was opened.
    bool opened() const { return (answered_ & arrived_).any(); }
    // Counts, round trips and objections; sightings too where `paths` says so or not all is well. `listened`:
    // somebody does at the port that was asked, so that no reset is the target's own.
    void tell(ProbeResult& result, bool listened, bool paths) const;

  private:
    struct Seen {
        const HostId* host;
        const CapturePoint* point;
        ProbeLeg leg;
        bool leaving;
        Numbers numbers;
    };
    struct ObjectionSeen {
        Objection objection;
        Numbers numbers;
    };

    void object(std::uint16_t nth, const SeenPacket& seen);
    void note(std::vector<std::uint64_t>& times, std::uint16_t nth, std::uint64_t time_us) const;
    std::uint64_t round_trip(std::uint16_t nth) const;
    void tell_objections(ProbeResult& result, const Numbers& forged) const;
    void tell_sightings(ProbeResult& result) const;

    const ProbeFlow& flow_;
    Numbers arrived_, answered_, reset_, kept_back_;
    std::vector<std::uint64_t> left_us_, back_us_;  // of each number; 0: not seen
    std::optional<Address> source_seen_;
    std::vector<ObjectionSeen> objections_;
    std::optional<Objection> reset_by_;
    std::vector<Seen> sightings_;
    std::map<int, Numbers> not_sent_;  // by errno
};

}  // namespace podroute
