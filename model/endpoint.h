// Where a packet starts or ends.
#pragma once

#include <cstdint>
#include <string>

#include "model/inventory.h"

namespace podroute {

enum class Vantage : std::uint8_t { pod, node };

struct Endpoint {
    HostId host;
    Vantage vantage = Vantage::pod;
    Address address;

    bool operator==(const Endpoint&) const = default;
    auto operator<=>(const Endpoint&) const = default;
};
std::string to_string(const Endpoint& endpoint);  // "pod node-0", "node server"

}  // namespace podroute
