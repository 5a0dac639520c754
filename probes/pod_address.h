// Picks the address of a synthetic pod. Pure.
#pragma once

#include <functional>

#include "model/ip.h"
#include "probes/seeded.h"

namespace podroute {

// An address at random in the top quarter of the CIDR's usable addresses, which an address manager that
// counts from the bottom reaches last; never the network or broadcast address, and none that `taken` says is.
// The same seed gives the same address. Errors: "no-free-address": a /31 or /32 (/127, /128), which has no
// room beside the gateway, or all are taken.
Result<Address> pick_pod_address(const Prefix& cidr, Seeded random,
                                 const std::function<bool(const Address&)>& taken);

}  // namespace podroute
