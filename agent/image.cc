// Where the linker put the agent.
#include "agent/image.h"

extern "C" {
extern const std::byte podroute_agent_begin[];
extern const std::byte podroute_agent_end[];
extern const std::byte podroute_agent_compressed_begin[];
extern const std::byte podroute_agent_compressed_end[];
}

namespace podroute {

std::span<const std::byte> agent_image() {
    return {podroute_agent_begin, static_cast<std::size_t>(podroute_agent_end - podroute_agent_begin)};
}

std::span<const std::byte> compressed_agent_image() {
    return {podroute_agent_compressed_begin,
            static_cast<std::size_t>(podroute_agent_compressed_end - podroute_agent_compressed_begin)};
}

std::string_view agent_image_machine() {
    return PODROUTE_AGENT_MACHINE;
}

}  // namespace podroute
