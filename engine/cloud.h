// What to tell a cloud, so that it delivers packets of pods.
//
// Which cloud it is the hosts' firmware says; where none does, the commands are Azure's. Words in capitals
// are what no host knows.
#pragma once

#include <string>
#include <vector>

#include "model/snapshot.h"

namespace podroute {

enum class Cloud : std::uint8_t { azure, aws, gcloud, openstack };

// By the strings that cloud-init's ds-identify knows them by; the first host that names one.
Cloud cloud_of(const Snapshot& snapshot);

// The card of `host` may send and receive for its pods' addresses.
std::vector<std::string> card_commands(Cloud cloud, const Inventory& inventory, const HostId& host,
                                       Family family);
// The host's pod networks of that family lead to it; nothing for a host without such.
std::vector<std::string> route_commands(Cloud cloud, const Inventory& inventory, const HostId& host,
                                        Family family);
// The same where there is an entry, and it leads elsewhere. AWS tells the two apart.
std::vector<std::string> correct_route_commands(Cloud cloud, const Inventory& inventory, const HostId& host,
                                                Family family);
// Shows what the security group, or firewall, lets through.
std::string filter_command(Cloud cloud);

}  // namespace podroute
