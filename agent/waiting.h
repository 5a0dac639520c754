// Waiting that ends when the controller is gone.
#pragma once

#include <chrono>

namespace podroute::agent {

using Clock = std::chrono::steady_clock;

// True while the other end of standard input is open.
bool controller_there();

}  // namespace podroute::agent
