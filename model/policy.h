// Every option that changes a verdict; part of the snapshot, so that a replay judges alike.
#pragma once

#include <set>
#include <string>

#include "model/inventory.h"

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
    Login login{};

    bool operator==(const Policy&) const = default;
};

}  // namespace podroute
