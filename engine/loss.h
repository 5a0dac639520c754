// How much is lost, as far as a sample of packets tells: a confidence interval.
#pragma once

#include <cstdint>
#include <string>

namespace podroute {

struct LossInterval {
    double lower = 0, upper = 1;  // share of packets, 0..1
};

// The 95 % interval of Clopper and Pearson (Biometrika 26, 1934): exact for the few packets that are sent, so
// that one lost of twenty never looks certain. `lost` is taken for at most `sent`; of none sent nothing is
// known.
LossInterval loss_interval(std::uint32_t lost, std::uint32_t sent);

// "5 of 20 lost: 8.7 to 49.1 % (95 % confidence)"
std::string loss_interval_text(std::uint32_t lost, std::uint32_t sent);

}  // namespace podroute
