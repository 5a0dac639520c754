// One host that requests can be put to: over SSH, a local child, or a fake. Implemented in hosts/ and
// fixtures/fakes/.
#pragma once

#include <chrono>

#include "model/wire.h"

namespace podroute {

using Deadline = std::chrono::steady_clock::time_point;

class HostLink {
  public:
    virtual ~HostLink() = default;
    // One request, one reply. Errors: "agent-failed" (died, garbage), "timeout". After an error the link is
    // dead.
    virtual Result<Reply> call(const Request& request, Deadline deadline) = 0;
    // As whom the host is logged in to; empty where there is no login.
    virtual std::string login_user() const { return {}; }
};

}  // namespace podroute
