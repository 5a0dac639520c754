// Netfilter (and a program of a cgroup) say EPERM; the others are fib_lookup()'s for a packet of the host's
// own, in order: no route, types unreachable, prohibit and blackhole (net/ipv4/fib_semantics.c, fib_props).
#include "model/refusal.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace podroute {
namespace {

constexpr std::array kErrors{EPERM, ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL};

}  // namespace

int refusal(const Endpoint& source, std::span<const NotSent> not_sent) {
    if (source.vantage == Vantage::pod) return 0;
    for (const int error : kErrors)
        for (const NotSent& some : not_sent)
            if (some.error == error && some.count > 0) return error;
    return 0;
}

std::uint32_t refused(const Endpoint& source, std::span<const NotSent> not_sent) {
    if (source.vantage == Vantage::pod) return 0;
    std::uint32_t count = 0;
    for (const NotSent& some : not_sent)
        if (std::find(kErrors.begin(), kErrors.end(), some.error) != kErrors.end()) count += some.count;
    return count;
}

}  // namespace podroute
