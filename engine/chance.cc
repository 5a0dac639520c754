// Each packet is taken or not, whatever became of the one before.
#include "engine/chance.h"

#include <cmath>

namespace podroute {
namespace {

constexpr double kUnlikely = 0.05, kVeryUnlikely = 0.001;

// That `packets` in a row are lost.
double all_lost(double came, double left, std::uint32_t packets) {
    return std::pow(1 - left / came, packets);
}

// P(X >= k) of a Poisson variable.
double at_least(std::size_t k, double mean) {
    double fewer = 0, exactly = std::exp(-mean);
    for (std::size_t n = 0; n < k; ++n) {
        fewer += exactly;
        exactly *= mean / static_cast<double>(n + 1);
    }
    return 1 - fewer;
}

}  // namespace

bool may_take_all(const Passage& passage, std::uint32_t packets) {
    return passage.came > 0 && all_lost(passage.came, passage.left, packets) >= kUnlikely;
}

// Rare ones of many are nearly as many as Poisson's, the mean being the sum of their probabilities.
bool taken_by_chance(std::span<const Passage> passages) {
    double came = 0, left = 0;
    std::size_t taken = 0;
    for (const Passage& passage : passages) {
        if (passage.left == 0 && passage.came > 0) ++taken;
        if (passage.left == 0) continue;
        came += passage.came;
        left += passage.left;
    }
    if (left <= 0) return false;
    double mean = 0;
    for (const Passage& passage : passages)
        if (passage.came > 0) mean += all_lost(came, left, passage.came);
    return at_least(taken, mean) >= kVeryUnlikely;
}

}  // namespace podroute
