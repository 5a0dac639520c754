// Objects of this host's kernel.
#pragma once

#include "agent/netlink.h"
#include "agent/objects.h"

namespace podroute::agent {

class KernelObjects final : public Objects {
  public:
    explicit KernelObjects(Netlink& netlink) : netlink_(netlink) {}
    Result<Found> read(const Change& change) override;
    Result<void> write(const Object& object, const std::optional<State>& from,
                       const std::optional<State>& to) override;

  private:
    Netlink& netlink_;
};

}  // namespace podroute::agent
