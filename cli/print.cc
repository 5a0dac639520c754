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

int after_printing(int code) {
    const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
    if (!lost || reader_is_gone()) return code;
    std::fputs("podroute: standard output could not be written, what stands there is not all\n", stderr);
    return kInternalError;
}

}  // namespace podroute::cli
