// Abstract unix sockets.
#include "agent/fixer_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <vector>

#include "agent/journal.h"

namespace podroute::agent {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxLine = 256;  // bytes
constexpr int kBacklog = 64;

tl::unexpected<Error> failed(const char* what) {
    return failure("fixer", std::string(what) + ": " + std::strerror(errno));
}

struct Name {
    sockaddr_un address{};
    socklen_t size = 0;
    Name() {
        address.sun_family = AF_UNIX;
        std::copy(kFixerSocket.begin(), kFixerSocket.end(), address.sun_path + 1);  // the first byte is 0
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + kFixerSocket.size());
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

std::optional<pid_t> number(std::string_view word) {
    pid_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && end == word.data() + word.size() && value > 0 ? std::optional(value)
                                                                                 : std::nullopt;
}

bool valid_time(std::string_view text) {
    constexpr std::size_t kLongest = 40;
    return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || c == 'T' || c == 'Z' || c == ':' || c == '.' || c == '+' || c == '-';
    });
}

// Byte by byte: what follows the line is not ours to take.
std::string read_line(int fd, std::chrono::milliseconds patience) {
    const auto until = Clock::now() + patience;
    std::string line;
    while (line.size() < kMaxLine) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd p{fd, POLLIN, 0};
        char c = 0;
        if (left <= 0 || poll(&p, 1, static_cast<int>(left)) <= 0 || recv(fd, &c, 1, 0) != 1) return {};
        if (c == '\n') return line;
        line.push_back(c);
    }
    return {};
}

}  // namespace

std::string to_line(const Holder& holder) {
    return std::to_string(holder.pid) + " " + holder.run + " " + holder.started + " " +
           std::to_string(holder.agent) + "\n";
}

std::optional<Holder> parse_line(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t begin = 0; begin <= line.size();) {
        const auto end = std::min(line.find(' ', begin), line.size());
        words.push_back(line.substr(begin, end - begin));
        begin = end + 1;
    }
    if (words.size() != 4 || !valid_run(words[1]) || !valid_time(words[2])) return std::nullopt;
    const auto pid = number(words[0]), agent = number(words[3]);
    if (!pid || !agent) return std::nullopt;
    return Holder{*pid, std::string(words[1]), std::string(words[2]), *agent, 0};
}

Result<Descriptor> hold_fixer() {
    Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const Name name;
    if (!fd.open()) return failed("socket");
    if (bind(fd.get(), name.get(), name.size) != 0) {
        if (errno == EADDRINUSE) return failure("fixer-busy", "another podroute changes this host");
        return failed("bind");
    }
    if (listen(fd.get(), kBacklog) != 0) return failed("listen");
    return fd;
}

std::optional<Peer> peer_of(int socket) {
    ucred who{};
    socklen_t size = sizeof who;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return std::nullopt;
    return Peer{who.pid, who.uid};
}

Result<std::optional<Contact>> contact_fixer(std::chrono::milliseconds patience) {
    Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Name name;
    if (!fd.open()) return failed("socket");
    // A holder whose backlog is full must not hold us.
    const timeval time{patience.count() / 1000, patience.count() % 1000 * 1000};
    setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    if (connect(fd.get(), name.get(), name.size) != 0) {
        if (errno == ECONNREFUSED) return std::nullopt;
        return failed("connect");
    }
    const auto peer = peer_of(fd.get());
    Holder holder;
    if (peer && peer->user == 0)
        if (auto said = parse_line(read_line(fd.get(), patience))) holder = std::move(*said);
    if (peer) holder.user = peer->user;
    if (peer && holder.pid == 0) holder.pid = peer->pid;
    return Contact{std::move(fd), std::move(holder)};
}

Error busy(const Holder& holder) {
    const std::string process = "process " + std::to_string(holder.pid);
    if (holder.user != 0)
        return {"fixer-busy",
                process + " of user " + std::to_string(holder.user) + " holds the name of the fixer", ""};
    if (holder.run.empty()) return {"fixer-busy", process + " changes this host and does not say more", ""};
    return {"fixer-busy",
            process + " of run " + holder.run + ", started " + holder.started + ", changes this host", ""};
}

}  // namespace podroute::agent
