// The interval's ends are where a binomial tail has 2.5 %; found by halving.
#include "engine/loss.h"

#include <algorithm>
#include <cmath>

namespace podroute {
namespace {

constexpr double kTail = 0.025;
constexpr int kHalvings = 50;

// P(X <= k) of n trials with probability p.
double at_most(std::uint32_t k, std::uint32_t n, double p) {
    if (p <= 0) return 1;
    if (p >= 1) return k >= n ? 1 : 0;
    const double total = n;
    double sum = 0;
    for (std::uint32_t i = 0; i <= k && i <= n; ++i) {
        const double hits = i;
        const double ways = std::lgamma(total + 1) - std::lgamma(hits + 1) - std::lgamma(total - hits + 1);
        sum += std::exp(ways + hits * std::log(p) + (total - hits) * std::log1p(-p));
    }
    return std::min(sum, 1.0);
}

// The p at which `falls(p)` turns from true to false.
template <class Predicate>
double turning_point(Predicate before) {
    double low = 0, high = 1;
    for (int i = 0; i < kHalvings; ++i) {
        const double middle = (low + high) / 2;
        (before(middle) ? low : high) = middle;
    }
    return low;
}

// With one decimal.
std::string percent(double share) {
    const long tenths = std::lround(share * 1000);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace

LossInterval loss_interval(std::uint32_t lost, std::uint32_t sent) {
    if (sent == 0) return {};
    lost = std::min(lost, sent);
    LossInterval interval;
    if (lost > 0)
        interval.lower = turning_point([&](double p) { return 1 - at_most(lost - 1, sent, p) < kTail; });
    if (lost < sent) interval.upper = turning_point([&](double p) { return at_most(lost, sent, p) > kTail; });
    return interval;
}

std::string loss_interval_text(std::uint32_t lost, std::uint32_t sent) {
    const LossInterval interval = loss_interval(lost, sent);
    return std::to_string(lost) + " of " + std::to_string(sent) + " lost: " + percent(interval.lower) +
           " to " + percent(interval.upper) + " % (95 % confidence)";
}

}  // namespace podroute
