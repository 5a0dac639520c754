// The forwarding walk: a packet followed hop by hop over the observed tables, there and back.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/endpoint.h"
#include "model/snapshot.h"

namespace podroute {

class WalkWorld;

struct Flow {
    Endpoint source, destination;
    std::uint8_t ip_proto = 0;
    std::uint16_t destination_port = 0;
};

enum class WalkStatus : std::uint8_t { pass, broken, unknown };

// What the tables of one host made of the packet.
struct Decision {
    HostId host;
    std::optional<Rule> rule;            // that chose the table, or rejected
    std::optional<Route> route;          // that matched
    std::optional<Neighbour> neighbour;  // the entry that the packet was sent to, where that is why it stops
};

// One leg. It stops at `stopped_at` for `reason` unless it passes.
struct Leg {
    WalkStatus status = WalkStatus::unknown;
    std::vector<HostId> hops;  // hosts in order, source host first
    HostId stopped_at;
    std::string reason;  // "no route", "loop", "forwarding is off on eth0", "dropped by reverse path filter",
                         // "table not read"
    std::string code;  // the cause code that fits the stop best ("route-missing", "forwarding-disabled", ..),
                       // empty if none does
    std::vector<Decision> decisions;  // of a broken leg: of each host that looked it up, source host first
};

struct Walk {
    WalkStatus status =
        WalkStatus::unknown;  // pass only if both legs pass; unknown only if nothing is known broken
    Leg request, reply;       // the reply leg is walked also where the request is broken
};

// Every ECMP leg must pass. At most 16 hops. The overlay holds remedies: (host, change) pairs honoured as if
// applied. A packet leaves the cluster's known tables when its next hop is no inventory host: broken, with
// that reason.
class Walker {
  public:
    explicit Walker(const Snapshot& snapshot);
    ~Walker();
    Walker(const Walker&) = delete;
    Walker& operator=(const Walker&) = delete;
    // Tables without overlay are built once per host and kept; thread-compatible, not thread-safe.
    Walk walk(const Flow& flow, std::span<const HostChange> overlay = {});

  private:
    std::unique_ptr<WalkWorld> world_;
};

Walk walk(const Snapshot& snapshot, const Flow& flow, std::span<const HostChange> overlay = {});

// All ordered pairs that carry a verdict: pod→pod across nodes, control host→pod, pod→control host, per
// family. Addresses are the first usable +1.
std::vector<Flow> verdict_flows(const Inventory& inventory);

}  // namespace podroute
