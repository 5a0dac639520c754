// A network namespace of our own, so that nothing is ever sent from the machine's.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

namespace podroute::testing {

inline std::string link_target(const std::string& path) {
    std::array<char, PATH_MAX> target{};
    const auto n = readlink(path.c_str(), target.data(), target.size());
    return n > 0 ? std::string(target.data(), static_cast<std::size_t>(n)) : std::string();
}

// The machine's own network namespace: process 1's, or that of kthreadd, which never leaves it, where process
// 1 may not be looked at. Empty if neither can be read: then nothing runs here.
inline std::string machines_namespace() {
    if (auto of_init = link_target("/proc/1/ns/net"); !of_init.empty()) return of_init;
    std::string name;
    std::ifstream("/proc/2/comm") >> name;
    return name == "kthreadd" ? link_target("/proc/2/ns/net") : std::string();
}

// A network namespace made here, held by its descriptor.
class Namespace {
  public:
    Namespace() {
        std::jthread([this] {
            const auto before = link_target("/proc/thread-self/ns/net");
            if (unshare(CLONE_NEWNET) != 0) return;
            const auto own = link_target("/proc/thread-self/ns/net");
            const auto machine = machines_namespace();
            if (own.empty() || machine.empty() || own == before || own == machine) return;
            fd_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        }).join();
    }
    ~Namespace() {
        if (fd_ >= 0) close(fd_);
    }
    Namespace(const Namespace&) = delete;
    Namespace& operator=(const Namespace&) = delete;

    bool made() const { return fd_ >= 0; }
    int fd() const { return fd_; }
    // Runs `work` inside, on a thread of its own; not at all where entering fails.
    bool run(const std::function<bool()>& work) const {
        bool good = false;
        std::jthread([&] {
            const auto machine = machines_namespace();
            good = made() && !machine.empty() && setns(fd_, CLONE_NEWNET) == 0 &&
                   link_target("/proc/thread-self/ns/net") != machine && work();
        }).join();
        return good;
    }
    bool ip(const std::string& arguments) const {
        return run([&] { return std::system(("ip " + arguments).c_str()) == 0; });
    }

  private:
    int fd_ = -1;
};

}  // namespace podroute::testing
