// What to do about one change, decided from the object's state now. Pure.
#pragma once

#include <optional>
#include <string>

#include "model/fix.h"

namespace podroute::agent {

// An object as it is.
struct Found {
    std::optional<State> state;  // empty: absent
    // Why the object, once changed, could not be made again as it is (it has properties that State does not
    // hold); empty where it could.
    std::string unrestorable{};
    // Of a route: another one to the same prefix in the same table, as text; empty where there is none.
    std::string beside{};
};

// As the kernel names things: an IPv6 route of metric 0 has metric 1024 (IP6_RT_PRIO_USER of
// net/ipv6/route.c), table 0 is main.
Change normalised(Change change);

// What a change must be to be understood: states of the object's kind and of its key, a route that can be
// made, a set that holds the sysctl it is named after. Errors: "bad-change".
Result<void> well_formed(const Change& change);

// Whether the object is as `wanted` says. What the kernel alone decides does not count: scope, flags but
// onlink, an interface that `wanted` leaves open (ifindex 0); a neighbour entry that is not permanent is
// none; of a set of sysctls, the names in `wanted`.
bool is_as(const std::optional<State>& now, const std::optional<State>& wanted);

struct Decision {
    enum class Kind : std::uint8_t {
        nothing,  // it is as it shall be
        write,
        leave,  // it is neither, or must not be touched: `reason`
    };
    Kind kind = Kind::leave;
    std::string reason{};
};
// On the way there: from `before` to `after`. An added route of our own protocol (112) wants its prefix for
// itself: beside another metric it would take or lose the traffic unseen.
Decision decide_apply(const Change& change, const Found& now);
// On the way back: only what is still as `after` says. A set of sysctls goes back also where it is between
// the two, because it is written value by value and its writer may have died there.
Decision decide_revert(const Change& change, const Found& now);
// What a revert writes: `before`, of a set of sysctls what still exists of it (an interface that went away
// took its sysctls along).
std::optional<State> revert_goal(const Change& change, const Found& now);

// "10.200.1.0/24 via 10.240.0.21 interface 2 metric 0 protocol 112", "absent", "1": for reasons.
std::string describe(const std::optional<State>& state);

}  // namespace podroute::agent
