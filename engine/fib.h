// The kernel's forwarding decision in user space: policy rules and longest prefix match over dumped tables.
//
// It exists to explain and to predict (with an overlay of changes); the kernel's own answers in
// HostFacts::fib are the oracle and a lab test holds the two against each other. Sources:
// net/core/fib_rules.c, net/ipv4/fib_trie.c, ip-rule(8).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/change.h"
#include "model/facts.h"

namespace podroute {

struct FibMatch {
    FibAnswer answer;              // as the kernel would answer; error is the kernel's errno
    const Rule* rule = nullptr;    // the rule that chose the table, null if none did
    const Route* route = nullptr;  // the route that matched, null if none did
};

// The tables of one host. Views of HostFacts are kept: the facts must outlive it. Overlay changes to routes,
// rules and links are honoured; building costs once per host and overlay, a lookup is far below a microsecond
// for a few hundred routes.
class Fib {
  public:
    explicit Fib(const HostFacts& facts, std::span<const Change> overlay = {});
    ~Fib();
    Fib(Fib&&) noexcept;
    Fib& operator=(Fib&&) noexcept;

    bool known() const;  // false: routes, rules or links were not read; lookup() must not be called
    FibMatch lookup(const FibQuery& query) const;
    // As lookup(), but only in this table, no rules.
    FibMatch lookup_in(std::uint32_t table, const FibQuery& query) const;
    // First addresses of every stretch of `cidr` within which no route's prefix begins or ends (at least
    // {cidr.first_usable()}).
    std::vector<Address> boundary_samples(const Prefix& cidr) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace podroute
