// Which of the two iptables backends hold rules, and the chains at which packets may end.
#pragma once

#include "model/facts.h"

namespace podroute::agent {

Observed<FirewallFacts> read_firewall();

}  // namespace podroute::agent
