// Who made the machine, in its own words.
#pragma once

#include <string>

#include "model/facts.h"

namespace podroute::agent {

// The first line of each file, printable ASCII alone, at most 64 bytes; empty where there is none or it
// cannot be read (a container, a machine without DMI).
Firmware read_firmware(const std::string& directory = "/sys/class/dmi/id");

}  // namespace podroute::agent
