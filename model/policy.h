// Every option that changes a verdict; part of the snapshot, so that a replay judges alike.
#pragma once

#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "model/endpoint.h"
#include "model/inventory.h"
#include "model/probe.h"

namespace podroute {

enum class Layer : std::uint8_t {
    inventory,
    access,
    links,
    routes,
    forwarding,
    persistence,
    icmp,
    tcp,
    udp,
    mtu,
    path
};
std::string_view to_string(Layer layer);
Result<Layer> parse_layer(std::string_view text);  // error lists the layers

enum class Routing : std::uint8_t { automatic, host, fabric };
std::string_view to_string(Routing routing);  // "auto", "host", "fabric"

enum class FailOn : std::uint8_t { error, warning };

// Whose path is looked at hop by hop.
enum class Trace : std::uint8_t { failed, all, none };

// Policy::pairs_per_cidr besides a number: full up to kFullPairsUpTo pod CIDRs, above that a ring; all of
// them.
inline constexpr std::uint32_t kPairsAuto = 0, kPairsFull = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::size_t kFullPairsUpTo = 128;

// How hosts are logged in to, as the command line said it, for the commands in reports.
struct Login {
    std::string user;   // empty: ssh_config's, else root
    unsigned port = 0;  // 0: ssh_config's, else 22
    bool sudo = false;  // the agent was started by `sudo -n`

    bool operator==(const Login&) const = default;
};

struct Policy {
    Routing routing = Routing::automatic;
    std::set<HostId> only;       // hosts that are judged; empty: all
    std::set<Layer> layers;      // empty: all that exist
    std::set<std::string> skip;  // check codes
    FailOn fail_on = FailOn::error;
    // Probes.
    std::set<Protocol> protocols{Protocol::icmp, Protocol::tcp};
    std::uint32_t count = 3;          // probes of a pair and protocol
    std::uint32_t timeout_ms = 1000;  // the longest the main round waits; all rounds take at most twice it
    std::uint32_t max_loss_ppm = 10'000;  // parts of a million that may be lost
    std::uint16_t tcp_port = 0;           // 0: one of our own in pods, sshd's on nodes
    Trace trace = Trace::failed;
    std::uint32_t pairs_per_cidr = kPairsAuto;
    std::optional<std::pair<Endpoint, Endpoint>> pair{};  // these two only, both ways
    // Those of its ends' addresses that were given, not chosen: synthetic pods have them where their hosts
    // let them.
    std::set<Address> pair_addresses{};
    Login login{};

    bool operator==(const Policy&) const = default;
};

}  // namespace podroute
