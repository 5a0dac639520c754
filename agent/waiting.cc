// Looks at standard input without reading it.
#include "agent/waiting.h"

#include <poll.h>
#include <unistd.h>

namespace podroute::agent {

bool controller_there() {
    pollfd p{STDIN_FILENO, POLLRDHUP, 0};
    return poll(&p, 1, 0) <= 0 || (p.revents & (POLLHUP | POLLRDHUP | POLLERR)) == 0;
}

}  // namespace podroute::agent
