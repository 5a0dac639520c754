// The agent's program, embedded.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace podroute {

std::span<const std::byte> agent_image();
std::span<const std::byte> compressed_agent_image();  // the same by gzip
std::string_view agent_image_machine();               // uname -m that it runs on

}  // namespace podroute
