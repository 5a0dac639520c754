// Link-layer addresses as text.
#pragma once

#include <algorithm>
#include <cctype>
#include <string_view>

namespace podroute {

// Kernels write "02:00:0a:f0:00:15"; people and recorded snapshots may write capitals.
inline bool same_mac(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace podroute
