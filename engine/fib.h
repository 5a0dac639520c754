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

class FibOverlay;

struct FibMatch {
    FibAnswer answer;              // as the kernel would answer; error is the kernel's errno
    const Rule* rule = nullptr;    // the rule that chose the table, null if none did
    const Route* route = nullptr;  // the route that matched, null if none did
};

// Whether two table numbers of answers may be the same: while a kernel keeps local and main in one trie it
// says main of both.
bool same_table(std::uint32_t a, std::uint32_t b);

// A stretch of addresses, both ends included, within which every lookup gives the same.
struct Stretch {
    Address first, last;
};

// What the host itself would ask for a packet to `destination`.
FibQuery output_query(const Address& destination);

// The tables of one host. Views of HostFacts are kept: the facts must outlive it. Overlay changes to routes,
// rules and links are honoured; building costs once per host, an overlay costs only what it holds, a lookup
// is far below a microsecond for a few hundred routes.
class Fib {
  public:
    explicit Fib(const HostFacts& facts, std::span<const Change> overlay = {});
    ~Fib();
    Fib(Fib&&) noexcept;
    Fib& operator=(Fib&&) noexcept;

    // The same tables, shared and not copied, under this overlay instead of the present one.
    Fib with(std::span<const Change> overlay) const;

    bool known() const;  // false: routes, rules or links were not read; lookup() must not be called
    FibMatch lookup(const FibQuery& query) const;
    // As lookup(), but only in this table, no rules.
    FibMatch lookup_in(std::uint32_t table, const FibQuery& query) const;
    // Every route of the table that contains the query's destination and could be used, most preferred first.
    std::vector<const Route*> candidates(std::uint32_t table, const FibQuery& query) const;
    // Whether packets would be given to this next hop: not dead, its link up, linkdown only where tolerated.
    bool live(const NextHop& hop, Family family) const;
    // `cidr` cut where any route's or rule's prefix begins or ends, in order.
    std::vector<Stretch> stretches(const Prefix& cidr) const;
    // Addresses of `cidr` that pods may carry, of which policy rules may think differently as sources:
    // sample_pod() and one for each part that the source prefix of a rule cuts out, at most 256.
    std::vector<Address> source_samples(const Prefix& cidr) const;
    // First addresses of every stretch of `cidr` within which no route's prefix begins or ends (at least
    // {cidr.first_usable()}).
    std::vector<Address> boundary_samples(const Prefix& cidr) const;

  private:
    explicit Fib(std::unique_ptr<FibOverlay> overlay);
    std::unique_ptr<FibOverlay> overlay_;
};

}  // namespace podroute
