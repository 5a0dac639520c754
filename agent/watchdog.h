// The watchdog: the one process of a fix that writes to the host. It holds the fixer's socket and the
// journal, takes Apply, Keep and Revert from its agent over that socket, and takes everything back when the
// agent is gone without Keep, when the time for it has passed, or when it is asked to end. So no write can
// follow a revert: both are made here, one after the other.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace podroute::agent {

struct WatchdogOptions {
    std::string run, started;
    pid_t agent = 0;  // the process whose requests are taken; others are only told who is at work
};

// As words of a command line behind "--watchdog", and back; nothing if they are none.
std::vector<std::string> to_words(const WatchdogOptions& options);
std::optional<WatchdogOptions> parse_words(std::span<char* const> words);

// Until the changes are kept or taken back. Exit code of the process; another fixer at work is 1.
int run_watchdog(const WatchdogOptions& options);

}  // namespace podroute::agent
