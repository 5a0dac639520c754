// Files that anybody may read.
#include "agent/firmware.h"

#include "agent/files.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxName = 64;

std::string first_line(const std::string& path) {
    const auto bytes = read_file(path, kMaxName);
    std::string text;
    if (!bytes) return text;
    for (const char c : *bytes) {
        if (c == '\n') break;
        if (c >= ' ' && c <= '~') text += c;
    }
    return text;
}

}  // namespace

Firmware read_firmware(const std::string& directory) {
    return {first_line(directory + "/sys_vendor"), first_line(directory + "/product_name"),
            first_line(directory + "/chassis_asset_tag")};
}

}  // namespace podroute::agent
