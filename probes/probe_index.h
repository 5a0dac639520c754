// From a packet that was seen to the flow it is of. Pure.
#pragma once

#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

#include "model/probe_script.h"
#include "probes/reading.h"

namespace podroute {

// Finds the flow of a packet that was seen: by the address its probe was sent to and its number. A TCP probe
// has no room for the run's word: of a pod's the port has to be right as well, unless its source was
// rewritten, and then maybe the port too. A node's own rules may give a port of theirs to its own packets
// (MASQUERADE --random-fully), and leave the address.
class ProbeIndex {
  public:
    explicit ProbeIndex(const ProbeScript& script);
    struct Found {
        std::size_t flow = 0;
        std::uint16_t nth = 0;  // of the flow, from 0
    };
    std::optional<Found> find(const SeenPacket& seen) const;

  private:
    struct Range {
        std::uint16_t first = 0, count = 0;
        std::size_t flow = 0;
        std::optional<Address> pod;  // the source, where it is one
    };
    bool of_another_run(const SeenPacket& seen, const std::optional<Address>& pod) const;

    const ProbeKey key_;
    std::unordered_map<Address, std::array<std::vector<Range>, 3>> ranges_;  // by protocol, in order
};

}  // namespace podroute
