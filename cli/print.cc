// Standard output, which may be a full disk or a reader that went away.
#include "cli/print.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>

namespace podroute::cli {
namespace {

constexpr int kInternalError = 70;

bool reader_is_gone() {
    pollfd p{STDOUT_FILENO, POLLOUT, 0};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0;
}

}  // namespace

void print(std::string_view text) {
    static_cast<void>(std::fwrite(text.data(), 1, text.size(), stdout));
}

Result<void> printed() {
    const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
    if (!lost || reader_is_gone()) return {};
    return failure("output-not-written",
                   "standard output could not be written, what stands there is not all");
}

int after_printing(int code) {
    const auto good = printed();
    // A report that could not be printed has said so.
    if (good || code == kInternalError) return code;
    std::fprintf(stderr, "podroute: %s\n", good.error().text.c_str());
    return kInternalError;
}

}  // namespace podroute::cli
