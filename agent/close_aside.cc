// A thread for each, which nobody joins: one that is in close(2) holds the end of its process up, and what it
// had no time to begin is closed by that end.
#include "agent/close_aside.h"

#include <unistd.h>

#include <system_error>
#include <thread>

namespace podroute::agent {

void close_aside(int fd) {
    try {
        std::thread([fd] { close(fd); }).detach();
    } catch (const std::system_error&) {
        close(fd);
    }
}

}  // namespace podroute::agent
