// unshare(2) and setns(2).
#include "agent/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace podroute::agent {
namespace {

// /proc/self is the thread group leader's; this is the caller's.
constexpr const char* kOwn = "/proc/thread-self/ns/net";

int own_namespace() {
    return open(kOwn, O_RDONLY | O_CLOEXEC);
}

void go_back(int home) {
    if (setns(home, CLONE_NEWNET) != 0) std::_Exit(1);
    close(home);
}

}  // namespace

Result<Namespace> Namespace::create() {
    const int home = own_namespace();
    if (home < 0) return failure("pod-unavailable", std::string(kOwn) + ": " + std::strerror(errno));
    if (unshare(CLONE_NEWNET) != 0) {
        const int error = errno;
        close(home);
        return failure("pod-unavailable", std::string("no network namespace: ") + std::strerror(error));
    }
    const int fd = own_namespace();
    const int error = errno;
    go_back(home);
    if (fd < 0) return failure("pod-unavailable", std::string(kOwn) + ": " + std::strerror(error));
    return Namespace(fd);
}

Namespace::Namespace(Namespace&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Namespace::~Namespace() {
    if (fd_ >= 0) close(fd_);
}

Inside::Inside(int fd) {
    if (fd < 0) return;
    home_ = own_namespace();
    entered_ = home_ >= 0 && setns(fd, CLONE_NEWNET) == 0;
}

Inside::~Inside() {
    if (home_ < 0) return;
    if (entered_)
        go_back(home_);
    else
        close(home_);
}

}  // namespace podroute::agent
