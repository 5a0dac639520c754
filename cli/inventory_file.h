// Reads machines.txt from a file or standard input.
#pragma once

#include <string>

#include "model/inventory.h"

namespace podroute::cli {

// `file` "-" is standard input. An unreadable file is one error of the list.
tl::expected<Inventory, InventoryErrors> read_inventory(const std::string& file);

// Prints the errors to stderr, "FILE:LINE:COLUMN: reason" a line, and returns exit code 2.
int print_errors(const InventoryErrors& errors);

}  // namespace podroute::cli
