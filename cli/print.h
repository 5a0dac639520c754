// Standard output, which may be a full disk or a reader that went away.
#pragma once

#include <string_view>

#include "model/result.h"

namespace podroute::cli {

// Never throws: what could not be written is told by printed().
void print(std::string_view text);

// Whether standard output took all that was printed so far. A reader that went away (`podroute plan | head`)
// has what it wanted. Errors: "output-not-written".
Result<void> printed();

// The exit code of the program, once it has printed all: `code`, or 70 with a word on stderr where standard
// output did not take it.
int after_printing(int code);

}  // namespace podroute::cli
