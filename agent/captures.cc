// AF_PACKET (packet(7)).
#include "agent/captures.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "agent/close_aside.h"
#include "model/collect.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxCaptures = 256;       // of 64 pods and the host's links
constexpr std::size_t kMaxInstructions = 4096;  // BPF_MAXINSNS
constexpr std::uint32_t kMaxSnaplen = 65536;    // bytes
constexpr std::uint32_t kMaxFrames = 65536;     // kept of one capture
// A link's turn, in frames; and turns, more than it takes to empty what a kernel buffer holds.
constexpr unsigned kTurn = 256, kTurns = 256;
constexpr int kReceiveBuffer = 8 << 20;  // the default loses packets after about 256

tl::unexpected<Error> failed(const char* what) {
    return failure("packet-socket", std::string(what) + ": " + std::strerror(errno));
}

bool attach_filter(int fd, const std::vector<BpfInstruction>& filter) {
    std::vector<sock_filter> code;
    code.reserve(filter.size());
    for (const auto& i : filter) code.push_back({i.code, i.jt, i.jf, i.k});
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

Result<int> open_capture(const Capture& capture) {
    if (capture.filter.empty()) return failure("packet-socket", "a capture without a filter");
    if (capture.filter.size() > kMaxInstructions)
        return failure("packet-socket", "a filter that is too long");
    // Protocol 0: nothing is caught before the filter is in place.
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return failed("no packet socket");
    const int one = 1;
    if (!capture.outgoing) setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    sockaddr_ll link{};
    link.sll_family = AF_PACKET;
    link.sll_protocol = htons(ETH_P_ALL);
    link.sll_ifindex = static_cast<int>(capture.ifindex);
    if (attach_filter(fd, capture.filter) &&
        bind(fd, reinterpret_cast<const sockaddr*>(&link), sizeof link) == 0)
        return fd;
    auto error = failed("capture");
    close(fd);
    return error;
}

// When the kernel saw a packet, in ns of the wall clock; nothing where it does not say.
std::optional<std::int64_t> stamp_of(msghdr& message) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            timespec t{};
            std::memcpy(&t, CMSG_DATA(c), sizeof t);
            return t.tv_sec * std::int64_t{1'000'000'000} + t.tv_nsec;
        }
    return std::nullopt;
}

// What the kernel lost for want of room, since it was last asked.
std::uint32_t lost_by_kernel(int fd) {
    tpacket_stats statistics{};
    socklen_t size = sizeof statistics;
    return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0 ? statistics.tp_drops : 0;
}

}  // namespace

Captures::Captures() : wants_stamps_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int one = 1;
    if (wants_stamps_.open()) setsockopt(wants_stamps_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
}

Captures::~Captures() {
    close_all();
}

void Captures::close_all() {
    for (const auto& s : sockets_) close_aside(s.fd);
    sockets_.clear();
    take();
}

bool Captures::full() const {
    return collect_is_full(caught_.frames.size(), bytes_);
}

std::vector<pollfd> Captures::polled() const {
    std::vector<pollfd> out;
    if (full()) return out;
    out.reserve(sockets_.size());
    for (const auto& s : sockets_) out.push_back({s.fd, POLLIN, 0});
    return out;
}

Result<void> Captures::open(const std::vector<Capture>& captures, const Pods& pods) {
    close_all();
    if (captures.size() > kMaxCaptures)
        return failure("packet-socket", "more than " + std::to_string(kMaxCaptures) + " captures");
    for (const auto& capture : captures) {
        const auto place = pods.namespace_of(capture.pod);
        const Inside inside(place.value_or(-1));
        const auto fd = !place             ? Result<int>(tl::unexpected(place.error()))
                        : inside.entered() ? open_capture(capture)
                                           : Result<int>(failed("the pod's namespace"));
        if (!fd) {
            close_all();
            return tl::unexpected(fd.error());
        }
        sockets_.push_back({*fd, capture});
    }
    return {};
}

void Captures::count_dropped(std::uint32_t more) {
    caught_.dropped += std::min(more, std::numeric_limits<std::uint32_t>::max() - caught_.dropped);
}

void Captures::drain() {
    // In turns, so that a busy link keeps no other's frames waiting; not for ever, since it may well bring
    // them faster than they are taken.
    wall_.look();
    bool more = true;
    for (unsigned turn = 0; more && turn < kTurns; ++turn) {
        more = false;
        for (auto& s : sockets_) more |= drain(s);
    }
    for (const auto& s : sockets_) count_dropped(lost_by_kernel(s.fd));
}

bool Captures::drain(Socket& socket) {
    buffer_.resize(std::max<std::size_t>(buffer_.size(), std::min(socket.capture.snaplen, kMaxSnaplen) + 1));
    const std::size_t snaplen = std::clamp<std::uint32_t>(socket.capture.snaplen, 1, kMaxSnaplen);
    const std::uint32_t limit = std::min(socket.capture.max, kMaxFrames);
    bool link_went = false;
    for (unsigned i = 0; i < kTurn; ++i) {
        if (full()) return false;
        sockaddr_ll from{};
        iovec part{buffer_.data(), snaplen};
        alignas(cmsghdr) std::array<char, 64> control{};
        msghdr message{&from, sizeof from, &part, 1, control.data(), control.size(), 0};
        // MSG_TRUNC gives the true length of a longer frame; what is kept ends at snaplen.
        const ssize_t n = recvmsg(socket.fd, &message, MSG_TRUNC);
        if (n < 0 && errno == ENETDOWN && !std::exchange(link_went, true)) continue;  // frames may follow
        if (n < 0) return false;
        const bool leaving = from.sll_pkttype == PACKET_OUTGOING;
        if (leaving && !socket.capture.outgoing) continue;  // a kernel without PACKET_IGNORE_OUTGOING
        if (socket.taken >= limit) {
            count_dropped(1);
            continue;
        }
        ++socket.taken;
        const auto kept = std::min(static_cast<std::size_t>(n), snaplen);
        const auto stamp = stamp_of(message);
        const auto seen = stamp ? wall_.monotonic(*stamp) : wall_.monotonic_now();
        bytes_ += kept;
        caught_.frames.push_back({static_cast<std::uint32_t>(from.sll_ifindex),
                                  static_cast<std::uint64_t>(seen / 1000),
                                  {buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(kept)},
                                  socket.capture.pod,
                                  leaving});
    }
    return true;
}

CollectReply Captures::take() {
    bytes_ = 0;
    return std::exchange(caught_, {});
}

}  // namespace podroute::agent
