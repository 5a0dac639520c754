// Where a frame was caught. Pure.
#pragma once

#include <span>

#include "model/probe_script.h"

namespace podroute {

// The place that caught this frame; null: none of these, or the frame came there for another station. A
// switch floods what it does not know the port of, so that hosts see frames that are not for them.
const CapturePoint* point_of(std::span<const CapturePoint> points, const Frame& frame);

}  // namespace podroute
