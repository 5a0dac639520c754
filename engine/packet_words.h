// What packets did, in words.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/fabric.h"

namespace podroute {

std::string protocols_text(const std::set<Protocol>& protocols);  // "icmp and tcp"
std::string objection_text(const Objection& objection);           // "ICMP 3/13 from 10.240.0.21"
// "node-0 would not send 3 of 3: Operation not permitted".
std::string not_sent_text(const ProbedFlow& flow);
// "icmp request last seen at eth0 of node-1, 0 of 20 arrived"; `at` empty: no capture saw it. Of a loss in
// part with its interval, of large packets with their size.
std::string loss_text(const ProbedFlow& flow, const Place& at);
// "the uplink of node-2 was not listened on, or not all was kept"; empty where the place needs no more ears.
std::string deaf_text(const Place& at);
std::string more_text(std::size_t n, const std::string& what);  // "and 1 more probe", "and 2 more probes"

// The pod networks of one host and family, or of all where `host` is empty.
std::string networks_text(const Inventory& inventory, const HostId& host, Family family);
// Those of several hosts and families.
std::string networks_text(const Inventory& inventory, const std::set<HostId>& hosts,
                          const std::set<Family>& families);

}  // namespace podroute
