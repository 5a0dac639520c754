// Next hop objects (ip-nexthop(8)), for routes that name one and show no legs: so they do where
// net.ipv4.nexthop_compat_mode is 0.
#pragma once

#include <map>
#include <vector>

#include "agent/netlink.h"
#include "model/facts.h"

namespace podroute::agent {

class NextHopObjects {
  public:
    explicit NextHopObjects(Netlink& netlink) : netlink_(netlink) {}
    // The legs of an object or a group, each object asked for once. Not to be called from within a dump on
    // the same socket. Errors: the kernel does not know it (it went away meanwhile), netlink.
    Result<std::vector<NextHop>> legs(std::uint32_t id);

  private:
    struct Object {
        NextHop leg;
        std::vector<std::pair<std::uint32_t, std::uint16_t>> members;  // of a group: id, weight
    };
    Result<Object> ask(std::uint32_t id);

    Netlink& netlink_;
    std::map<std::uint32_t, std::vector<NextHop>> known_;
};

}  // namespace podroute::agent
