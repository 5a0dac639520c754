// TCP connect with a deadline, and ProxyCommand.
#include "hosts/transport.h"

#include <fcntl.h>
#include <linux/tcp.h>  // netinet/tcp.h has an older tcp_info
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

extern char** environ;

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kSlice = 50;  // ms between looks at the cancel token

// 0 when connected, else an errno; ETIMEDOUT at the deadline, ECANCELED when cancelled.
int finish_connect(int fd, Clock::time_point deadline, const std::stop_token& cancel) {
    for (;;) {
        if (cancel.stop_requested()) return ECANCELED;
        if (Clock::now() >= deadline) return ETIMEDOUT;
        pollfd p{fd, POLLOUT, 0};
        if (poll(&p, 1, kSlice) <= 0) continue;
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        return error;
    }
}

int connect_one(const addrinfo& address, Clock::time_point deadline, const std::stop_token& cancel,
                int& error) {
    const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0) {
        error = errno;
        return -1;
    }
    error = connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) error = finish_connect(fd, deadline, cancel);
    if (error == 0) {
        const int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    close(fd);
    return -1;
}

}  // namespace

Transport::Transport(Transport&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      proxy_(std::exchange(other.proxy_, -1)),
      errors_(std::exchange(other.errors_, -1)) {}

Transport& Transport::operator=(Transport&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(proxy_, other.proxy_);
    std::swap(errors_, other.errors_);
    return *this;
}

std::optional<std::chrono::microseconds> Transport::round_trip() const {
    // Not the smoothed one: that holds the time a peer takes to answer where it delays its acknowledgement.
    tcp_info info{};
    socklen_t size = sizeof info;
    const bool told = proxy_ <= 0 && getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
                      size >= offsetof(tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt;
    // The kernel starts with the largest number.
    if (!told || info.tcpi_min_rtt == 0 || info.tcpi_min_rtt == UINT32_MAX) return std::nullopt;
    return std::chrono::microseconds(info.tcpi_min_rtt);
}

Transport::~Transport() {
    if (fd_ >= 0) close(fd_);
    if (errors_ >= 0) close(errors_);
    if (proxy_ <= 0) return;
    // A proxy ends when its input does; one that does not is ended.
    for (int i = 0; i < 50; ++i) {
        if (waitpid(proxy_, nullptr, WNOHANG) != 0) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    kill(-proxy_, SIGTERM);
    for (int i = 0; i < 50; ++i) {
        if (waitpid(proxy_, nullptr, WNOHANG) != 0) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    kill(-proxy_, SIGKILL);
    waitpid(proxy_, nullptr, 0);
}

std::optional<int> Transport::proxy_end() {
    int status = 0;
    for (int i = 0; proxy_ > 0 && i < 50; ++i) {
        if (waitpid(proxy_, &status, WNOHANG) == proxy_) {
            proxy_ = 0;
            return status;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return std::nullopt;
}

std::string Transport::proxy_output() const {
    if (errors_ < 0) return {};
    // The proxy's last words may come a little after its end of the connection is closed.
    pollfd p{errors_, POLLIN, 0};
    poll(&p, 1, kSlice);
    std::string text(4096, '\0');
    const ssize_t n = read(errors_, text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

int look_up(const LoginTarget& target, int flags, AddressList& list) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* found = nullptr;
    const int bad =
        getaddrinfo(target.transport.c_str(), std::to_string(target.port).c_str(), &hints, &found);
    if (bad == 0) list.reset(found);
    return bad;
}

// A resolver that does not answer can neither be cancelled nor given a deadline: it is left to itself, on a
// thread that owns all that it needs.
struct Resolution {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    int bad = 0;
    AddressList list{nullptr, freeaddrinfo};
};

tl::expected<AddressList, Unknown> resolve(const LoginTarget& target, Clock::time_point deadline,
                                           const std::stop_token& cancel) {
    AddressList list(nullptr, freeaddrinfo);
    if (look_up(target, AI_NUMERICHOST | AI_NUMERICSERV, list) == 0) return list;
    auto shared = std::make_shared<Resolution>();
    std::thread([shared, target] {
        AddressList found(nullptr, freeaddrinfo);
        const int bad = look_up(target, 0, found);
        const std::scoped_lock lock(shared->mutex);
        shared->bad = bad;
        shared->list = std::move(found);
        shared->done = true;
        shared->changed.notify_all();
    }).detach();
    std::unique_lock lock(shared->mutex);
    while (!shared->done && Clock::now() < deadline && !cancel.stop_requested())
        shared->changed.wait_for(lock, std::chrono::milliseconds(kSlice));
    if (cancel.stop_requested()) return tl::unexpected(cancelled());
    if (!shared->done) return tl::unexpected(name_unresolved(target, "the resolver does not answer"));
    if (shared->bad != 0) return tl::unexpected(name_unresolved(target, gai_strerror(shared->bad)));
    return std::move(shared->list);
}

}  // namespace

tl::expected<Transport, Unknown> connect_tcp(const LoginTarget& target, std::chrono::milliseconds timeout,
                                             const std::stop_token& cancel) {
    const auto deadline = Clock::now() + timeout;
    const auto list = resolve(target, deadline, cancel);
    if (!list) return tl::unexpected(list.error());
    int error = 0;
    long left = 0;
    for (const addrinfo* a = list->get(); a != nullptr; a = a->ai_next) ++left;
    // An address that does not answer leaves the others their share of the time.
    for (const addrinfo* a = list->get(); a != nullptr; a = a->ai_next, --left) {
        const auto now = Clock::now();
        const int fd = connect_one(*a, now + (deadline - now) / left, cancel, error);
        if (fd >= 0) return Transport(fd, -1, -1);
        if (error == ECANCELED) return tl::unexpected(cancelled());
    }
    return tl::unexpected(connect_failed(target, error == ETIMEDOUT ? 0 : error));
}

std::string expand_proxy_command(const LoginTarget& target, const std::string& command) {
    std::string out;
    for (std::size_t i = 0; i < command.size(); ++i) {
        if (command[i] != '%' || i + 1 == command.size()) {
            out += command[i];
            continue;
        }
        switch (command[++i]) {
            case 'h':
                out += target.transport;
                break;
            case 'n':
                out += target.name;
                break;
            case 'p':
                out += std::to_string(target.port);
                break;
            case 'r':
                out += target.user;
                break;
            case '%':
                out += '%';
                break;
            default:
                out += {'%', command[i]};
        }
    }
    return out;
}

namespace {

// Starts `command` with `input` as its standard input and output, and `errors` as its standard error, in a
// process group of its own, so that a Ctrl-C of the terminal is ours alone. The errno, 0 where it runs.
int spawn_proxy(const std::string& command, int input, int errors, pid_t& pid) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, input, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, pipe_signal;
    sigemptyset(&none);
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string sh = "/bin/sh", c = "-c", text = "exec " + command;
    std::array<char*, 4> argv{sh.data(), c.data(), text.data(), nullptr};
    const int bad = posix_spawn(&pid, "/bin/sh", &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return bad;
}

}  // namespace

tl::expected<Transport, Unknown> connect_proxy(const LoginTarget& target, const std::string& command) {
    std::array<int, 2> ends{}, errors{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return tl::unexpected(session_failed(target, std::string("socketpair: ") + std::strerror(errno)));
    if (pipe2(errors.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        close(ends[0]);
        close(ends[1]);
        return tl::unexpected(session_failed(target, std::string("pipe: ") + std::strerror(errno)));
    }
    pid_t pid = -1;
    const int bad = spawn_proxy(expand_proxy_command(target, command), ends[1], errors[1], pid);
    close(ends[1]);
    close(errors[1]);
    if (bad != 0) {
        close(ends[0]);
        close(errors[0]);
        return tl::unexpected(session_failed(target, std::string("ProxyCommand: ") + std::strerror(bad)));
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return Transport(ends[0], pid, errors[0]);
}

}  // namespace podroute
