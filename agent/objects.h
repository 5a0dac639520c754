// The objects of a host that changes are about: read and written. An interface, so that what is done with
// them can be tested without a kernel.
#pragma once

#include "agent/changes.h"

namespace podroute::agent {

class Objects {
  public:
    Objects() = default;
    virtual ~Objects() = default;
    Objects(const Objects&) = delete;
    Objects& operator=(const Objects&) = delete;

    // The object as it is now; of a set of sysctls, those that the change names. Errors: it could not be
    // read, or is not one (two routes of one key).
    virtual Result<Found> read(const Change& change) = 0;
    // Makes the object from what it is, `from`, what it shall be. Errors: the kernel's words.
    virtual Result<void> write(const Object& object, const std::optional<State>& from,
                               const std::optional<State>& to) = 0;
};

}  // namespace podroute::agent
