// Takes from a host what it has caught, no more than a round can be of use for.
#pragma once

#include <chrono>
#include <functional>

#include "model/host_link.h"
#include "model/round.h"

namespace podroute {

// Of one host in one round: four captures as full as they can be. What is beyond is counted as dropped.
inline constexpr std::size_t kMaxCaughtFrames = 262'144;
inline constexpr std::size_t kMaxCaughtBytes = std::size_t{32} << 20;

// Asks until `wait` has passed or, after any reply, `enough` says so; and on while the host has more than one
// reply holds. Adds to `caught`. Errors: the host's.
Result<void> collect(HostLink& link, HostCatch& caught, std::chrono::milliseconds wait,
                     const std::function<bool()>& enough);

}  // namespace podroute
