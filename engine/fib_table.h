// One routing table of one family, indexed for longest prefix match.
#pragma once

#include <unordered_map>
#include <vector>

#include "model/facts.h"

namespace podroute {

// True if `a` is tried before `b`, both matching one destination: the longer prefix, then the longer source
// prefix (IPv6), then the higher TOS, then the lower metric (net/ipv4/fib_trie.c, net/ipv6/ip6_fib.c).
bool preferred(const Route& a, const Route& b);

// The errno of a lookup that ends at a route of this type; EAGAIN: go on with the next rule.
int type_error(RouteType type);

class FibTable {
  public:
    // The route must outlive the table.
    void add(const Route& route);
    // To be called once after the last add().
    void sort();
    // Calls accept(route) for the routes that contain `destination`, most preferred first, until one is
    // accepted; null if none is.
    template <class Accept>
    const Route* find(const Address& destination, Accept&& accept) const {
        for (const unsigned length : lengths_) {
            const auto bucket = routes_.find(Prefix{destination, length});
            if (bucket == routes_.end()) continue;
            for (const Route* route : bucket->second)
                if (accept(*route)) return route;
        }
        return nullptr;
    }

  private:
    std::unordered_map<Prefix, std::vector<const Route*>> routes_;
    std::vector<unsigned> lengths_;  // those that occur, longest first
};

}  // namespace podroute
