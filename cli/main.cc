// podroute: the program. Everything it does stands in the commands; an exception that gets here is a bug.
#include <fmt/format.h>
#include <malloc.h>

#include <csignal>
#include <exception>

#include "cli/commands.h"
#include "cli/print.h"

namespace {
constexpr int kInternalError = 70;
}

int main(int argc, char** argv) {
    using namespace podroute::cli;  // NOLINT(google-build-using-namespace): the whole program is this
    try {
        // A thread a host would otherwise have an arena each, and memory that one thread freed would not
        // serve the next.
        mallopt(M_ARENA_MAX, 2);
        // A reader that goes away (`podroute plan | head`) must not look like a crash of the run.
        std::signal(SIGPIPE, SIG_IGN);
        const auto parsed = parse_command_line(argc, argv);
        if (const int* code = std::get_if<int>(&parsed)) return after_printing(*code);
        return after_printing(
            std::visit([](const auto& options) { return run(options); }, std::get<Command>(parsed)));
    } catch (const std::exception& e) {
        std::fputs("podroute: internal error: ", stderr);
        std::fputs(e.what(), stderr);
        std::fputs("\nPlease report it, with the command line.\n", stderr);
        return kInternalError;
    }
}
