// AF_PACKET (packet(7)).
#include "agent/packets.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/waiting.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxCaptures = 64;
constexpr std::size_t kMaxInstructions = 4096;  // BPF_MAXINSNS
constexpr std::uint32_t kMaxSnaplen = 65536;    // bytes
constexpr std::uint32_t kMaxFrames = 65536;     // kept of one capture
constexpr std::size_t kMaxFrameBytes = 65536;
constexpr std::uint32_t kMaxWait = 10'000;  // ms
constexpr int kReceiveBuffer = 8 << 20;     // the default loses packets after about 256

tl::unexpected<Error> failed(const char* what) {
    return failure("packet-socket", std::string(what) + ": " + std::strerror(errno));
}

sockaddr_ll on_link(std::uint32_t ifindex) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(ifindex);
    return address;
}

Result<int> open_capture(const Capture& capture) {
    // Protocol 0: nothing is caught before the filter is in place.
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return failed("no packet socket");
    std::vector<sock_filter> code;
    for (const auto& i : capture.filter) code.push_back({i.code, i.jt, i.jf, i.k});
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    const int one = 1;
    const auto address = on_link(capture.ifindex);
    const bool filtered =
        !code.empty() && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
    if (!filtered) {
        auto error =
            code.empty() ? failure("packet-socket", "a capture without a filter") : failed("capture filter");
        close(fd);
        return error;
    }
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    auto error = failed("capture");
    close(fd);
    return error;
}

std::uint64_t now_us() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count());
}

}  // namespace

Packets::~Packets() {
    close_all();
}

void Packets::close_all() {
    for (const auto& s : sockets_) close(s.fd);
    sockets_.clear();
}

Result<void> Packets::arm(const std::vector<Capture>& captures) {
    close_all();
    if (captures.size() > kMaxCaptures)
        return failure("packet-socket", "more than " + std::to_string(kMaxCaptures) + " captures");
    for (const auto& capture : captures) {
        if (capture.filter.size() > kMaxInstructions)
            return failure("packet-socket", "a filter that is too long");
        const auto fd = open_capture(capture);
        if (!fd) {
            close_all();
            return tl::unexpected(fd.error());
        }
        sockets_.push_back({*fd, capture});
    }
    return {};
}

Result<std::uint32_t> Packets::fire(const std::vector<Frame>& frames) {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed("no packet socket");
    std::uint32_t sent = 0;
    for (const auto& frame : frames) {
        if (frame.bytes.size() > kMaxFrameBytes) continue;
        const auto address = on_link(frame.ifindex);
        const auto n = sendto(fd, frame.bytes.data(), frame.bytes.size(), 0,
                              reinterpret_cast<const sockaddr*>(&address), sizeof address);
        if (n == static_cast<ssize_t>(frame.bytes.size())) ++sent;
    }
    close(fd);
    return sent;
}

void Packets::drain(Socket& socket, CollectReply& reply) {
    std::vector<std::uint8_t> buffer(std::clamp<std::uint32_t>(socket.capture.snaplen, 1, kMaxSnaplen));
    const std::uint32_t limit = std::min(socket.capture.max, kMaxFrames);
    // MSG_TRUNC gives the true length of a longer frame; what is kept ends at snaplen.
    for (ssize_t n = 0; (n = recv(socket.fd, buffer.data(), buffer.size(), MSG_TRUNC)) >= 0;) {
        if (socket.taken >= limit) {
            ++reply.dropped;
            continue;
        }
        ++socket.taken;
        const auto kept = std::min(static_cast<std::size_t>(n), buffer.size());
        reply.frames.push_back({socket.capture.ifindex,
                                now_us(),
                                {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(kept)}});
    }
}

CollectReply Packets::collect(std::uint32_t wait_ms) {
    CollectReply reply;
    std::vector<pollfd> polled;
    for (const auto& s : sockets_) polled.push_back({s.fd, POLLIN, 0});
    polled.push_back({STDIN_FILENO, POLLRDHUP, 0});
    const auto until = Clock::now() + std::chrono::milliseconds(std::min(wait_ms, kMaxWait));
    do {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        poll(polled.data(), polled.size(), static_cast<int>(std::max<std::int64_t>(0, left)));
        for (auto& s : sockets_) drain(s, reply);
    } while (reply.frames.empty() && Clock::now() < until && controller_there());
    return reply;
}

}  // namespace podroute::agent
