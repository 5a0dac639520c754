// Places by interface and pod, and whether a frame is for them.
#include "probes/capture_point.h"

#include <algorithm>

#include "probes/arp.h"

namespace podroute {
namespace {

int hex(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    return (digit | 0x20) - 'a' + 10;
}

bool is_for(const Frame& frame, const std::string& mac) {
    if (!valid_mac(mac)) return true;
    for (std::size_t i = 0; i < 6 && i < frame.bytes.size(); ++i)
        if (frame.bytes[i] != hex(mac[3 * i]) * 16 + hex(mac[3 * i + 1])) return false;
    return true;
}

}  // namespace

const CapturePoint* point_of(std::span<const CapturePoint> points, const Frame& frame) {
    const auto at = std::find_if(points.begin(), points.end(), [&](const CapturePoint& point) {
        return point.ifindex == frame.ifindex && point.pod == frame.pod;
    });
    if (at == points.end() || (!frame.leaving && !is_for(frame, at->mac))) return nullptr;
    return &*at;
}

}  // namespace podroute
