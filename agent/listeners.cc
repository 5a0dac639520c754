// tcp(7), udp(7), ppoll(2).
#include "agent/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxListeners = 512;  // of 64 pods, each with two addresses and protocols, and nodes
constexpr std::size_t kMaxConnections = 256;
constexpr std::uint32_t kMaxEchoes =
    65536;                      // of one socket: two echoes that talk to each other come to an end
constexpr int kBacklog = 4096;  // the kernel cuts it to somaxconn
constexpr int kBurst = 1024;    // answered in a row before anything else is looked at
constexpr int kReceiveBuffer = 4 << 20;
constexpr std::size_t kMaxDatagram = 65536;

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const Address& address, std::uint16_t port) {
    SocketAddress out;
    if (address.is_v4()) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        std::memcpy(&in.sin_addr, address.wire(), 4);
        std::memcpy(&out.storage, &in, out.size = sizeof in);
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        std::memcpy(&in.sin6_addr, address.wire(), 16);
        std::memcpy(&out.storage, &in, out.size = sizeof in);
    }
    return out;
}

void set(int fd, int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
}

int open_socket(const Listener& listener) {
    const bool tcp = listener.protocol == Protocol::tcp;
    const int fd = socket(listener.address.is_v4() ? AF_INET : AF_INET6,
                          (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (tcp) {
        set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        // Connections have it from their listener, and so end with a reset, also by a kill: an orderly end
        // would leave the host a TIME_WAIT for a minute, or a FIN that nobody acknowledges.
        const linger at_once{1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else {
        // An answer is as large as its question, with DF, whatever path MTU the host has learned: that is
        // what a full-size probe asks.
        set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer);
        // An address of the inventory that the host lacks is for the probes to find.
        set(fd, IPPROTO_IP, IP_FREEBIND, 1);
        set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
        if (!listener.address.is_v4()) {
            set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
            set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
        }
    }
    const auto address = socket_address(listener.address, listener.port);
    if (bind(fd, address.get(), address.size) == 0 && (!tcp || listen(fd, kBacklog) == 0)) return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

std::string name_of(const Listener& listener) {
    std::string out = listener.protocol == Protocol::tcp ? "tcp " : "udp ";
    out += listener.address.to_string();
    out += ' ';
    out += std::to_string(listener.port);
    return out;
}

tl::unexpected<Error> impossible(const Listener& listener, const std::string& why) {
    const auto where = name_of(listener);
    return failure("listener", where + ": " + why, where);
}

bool ready(std::span<const pollfd> polled) {
    return std::any_of(polled.begin(), polled.end(), [](const pollfd& p) { return p.revents != 0; });
}

}  // namespace

Listeners::~Listeners() {
    close_all();
}

void Listeners::close_all() {
    for (const auto& s : sockets_) close(s.fd);
    sockets_.clear();
    for (const int fd : connections_) close(fd);
    connections_.clear();
}

Result<void> Listeners::open(const std::vector<Listener>& listeners, const Pods& pods) {
    close_all();
    if (listeners.size() > kMaxListeners)
        return failure("listener", "more than " + std::to_string(kMaxListeners) + " listeners");
    for (const auto& listener : listeners) {
        const auto place = pods.namespace_of(listener.pod);
        int fd = -1;
        std::string why = place ? "" : place.error().text;
        if (listener.protocol == Protocol::icmp) why = "the kernel answers ICMP";
        if (why.empty()) {
            const Inside inside(*place);
            fd = inside.entered() ? open_socket(listener) : -1;
            if (fd < 0) why = std::strerror(errno);
        }
        if (fd < 0) {
            close_all();
            return impossible(listener, why);
        }
        sockets_.push_back({fd, listener.protocol, kMaxEchoes});
    }
    return {};
}

bool Listeners::wait(std::span<const pollfd> own, Clock::time_point until) {
    for (;;) {
        std::vector<pollfd> polled(own.begin(), own.end());
        for (const auto& s : sockets_)
            if (s.protocol == Protocol::tcp || s.echoes_left > 0) polled.push_back({s.fd, POLLIN, 0});
        for (const int fd : connections_) polled.push_back({fd, POLLIN, 0});
        const auto left =
            std::max<std::chrono::nanoseconds>(std::chrono::nanoseconds(0), until - Clock::now());
        const timespec time{std::chrono::duration_cast<std::chrono::seconds>(left).count(),
                            (left % std::chrono::seconds(1)).count()};
        const bool some = ppoll(polled.data(), polled.size(), &time, nullptr) > 0;
        const std::span<const pollfd> all(polled);
        if (some && ready(all.subspan(own.size()))) serve();
        if (some && ready(all.first(own.size()))) return true;
        if (Clock::now() >= until) return false;
    }
}

void Listeners::serve() {
    for (auto& s : sockets_)
        if (s.protocol == Protocol::tcp)
            accept_some(s.fd);
        else
            echo(s);
    close_finished();
}

void Listeners::echo(Socket& socket) {
    datagram_.resize(kMaxDatagram);
    for (int i = 0; i < kBurst && socket.echoes_left > 0; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        const ssize_t n = recvfrom(socket.fd, datagram_.data(), datagram_.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) continue;  // an ICMP error about an earlier answer
        --socket.echoes_left;
        sendto(socket.fd, datagram_.data(), static_cast<std::size_t>(n), 0,
               reinterpret_cast<const sockaddr*>(&from), size);
    }
}

void Listeners::accept_some(int listening) {
    for (int i = 0; i < kBurst; ++i) {
        const int fd = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) return;
        connections_.push_back(fd);
        if (connections_.size() > kMaxConnections) {
            close(connections_.front());
            connections_.pop_front();
        }
    }
}

void Listeners::close_finished() {
    std::erase_if(connections_, [](int fd) {
        std::array<char, 4096> ignored{};
        ssize_t n = 0;
        for (int i = 0; i < kBurst && (n = recv(fd, ignored.data(), ignored.size(), 0)) > 0; ++i) {
        }
        const bool ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
        if (ended) close(fd);
        return ended;
    });
}

}  // namespace podroute::agent
