// Standard output, which may be a full disk or a reader that went away.
#pragma once

#include <string_view>

namespace podroute::cli {

// Never throws: what could not be written is told by after_printing().
void print(std::string_view text);

// The exit code of the program, once it has printed all: `code`, or 70 with a word on stderr where standard
// output did not take it. A reader that went away (`podroute plan | head`) has what it wanted.
int after_printing(int code);

}  // namespace podroute::cli
