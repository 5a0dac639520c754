// A look at ssh_config files before they are used: libssh passes over what it does not understand, and takes
// port numbers by their lower 16 bits.
#pragma once

#include <string>

#include "model/result.h"

namespace podroute {

// The first thing in a file, or in one that it includes, that is no ssh_config(5): bytes that are no text, a
// line that begins with no keyword, a port that is none. Code "bad-ssh-config", where = FILE:LINE. A file
// that is not there says nothing. Only regular files, and /dev/null, can be one: it is read once a host.
Result<void> check_ssh_config(const std::string& file);

}  // namespace podroute
