// Files that one command line names twice: what it would write must not be what it reads, or writes as well.
#pragma once

#include <optional>
#include <string>

#include "cli/options.h"

namespace podroute::cli {

// One sentence about the first file to be written that is also read, or written as another one, by whatever
// name (symbolic links, standard input and output redirected to a file); nothing where all differ.
// `config_file` is that of --config; empty: none. Looks at the file system and writes nothing.
std::optional<std::string> collision(const Command& command, const std::string& config_file);

}  // namespace podroute::cli
