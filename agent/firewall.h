// Which of the two iptables backends hold rules.
#pragma once

#include "model/facts.h"

namespace podroute::agent {

Observed<FirewallFacts> read_firewall();

}  // namespace podroute::agent
