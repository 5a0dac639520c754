// A thread for each, which nobody joins: one that is in close(2) holds the end of its process up, and what it
// had no time to begin is closed by that end.
#include "agent/close_aside.h"

#include <pthread.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace podroute::agent {
namespace {

constexpr std::size_t kStack = std::size_t{64} << 10;  // bytes

void* close_it(void* fd) {
    close(static_cast<int>(reinterpret_cast<std::intptr_t>(fd)));
    return nullptr;
}

}  // namespace

void close_aside(int fd) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, kStack);
    pthread_t thread{};
    const auto number = static_cast<std::intptr_t>(fd);
    if (pthread_create(&thread, &attributes, close_it, reinterpret_cast<void*>(number)) != 0) close(fd);
    pthread_attr_destroy(&attributes);
}

}  // namespace podroute::agent
