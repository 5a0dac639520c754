// AF_PACKET (packet(7)) and IPPROTO_RAW (raw(7), ipv6(7)).
#include "agent/firing.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "agent/close_aside.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxFrameBytes = 65536;
constexpr std::uint64_t kLatest = 60'000'000;  // us after Fire
// Without looking at the answers between, 744 of those to 1,000 probes were lost.
constexpr std::size_t kChunk = 32;
constexpr std::size_t kEthernet = 14, kIpv4 = 20, kIpv6 = 40;
constexpr int kSendBuffer = 4 << 20;

enum class Way : std::uint8_t { link, ipv4, ipv6 };

// The sockets of one Fire, one for each way out of each namespace that is used.
class Outlets {
  public:
    explicit Outlets(const Pods& pods) : pods_(pods) {}
    ~Outlets() {
        for (const auto& [key, fd] : sockets_)
            if (key.second == Way::link)
                close_aside(fd);
            else
                close(fd);
    }
    Outlets(const Outlets&) = delete;
    Outlets& operator=(const Outlets&) = delete;

    // Negative: errno says why.
    int socket_for(std::uint32_t pod, Way way) {
        if (const auto at = sockets_.find({pod, way}); at != sockets_.end()) return at->second;
        const auto place = pods_.namespace_of(pod);
        if (!place) return errno = ENONET, -1;
        const Inside inside(*place);
        if (!inside.entered()) return -1;
        const int family = way == Way::link ? AF_PACKET : way == Way::ipv4 ? AF_INET : AF_INET6;
        // Both only send: protocol 0 catches no frame, and no packet is of protocol 255.
        const int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, way == Way::link ? 0 : IPPROTO_RAW);
        if (fd < 0) return -1;
        const int one = 1;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);
        // So that the kernel says when its queue was full, instead of dropping in silence.
        if (way == Way::ipv4) setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one);
        if (way == Way::ipv6) setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one);
        // What a router once named as the MTU is tried all the same: a probe ends on its way, not here.
        const int probe4 = IP_PMTUDISC_PROBE, probe6 = IPV6_PMTUDISC_PROBE;
        if (way == Way::ipv4) setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe4, sizeof probe4);
        if (way == Way::ipv6) setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof probe6);
        sockets_.emplace(std::pair{pod, way}, fd);
        return fd;
    }

  private:
    const Pods& pods_;
    std::map<std::pair<std::uint32_t, Way>, int> sockets_;
};

// 0, or why not.
int finish(ssize_t sent, std::size_t wanted) {
    if (sent < 0) return errno;
    return sent == static_cast<ssize_t>(wanted) ? 0 : EIO;
}

int send_on_link(Outlets& outlets, const Frame& frame) {
    const auto& bytes = frame.bytes;
    if (bytes.size() < kEthernet) return EINVAL;
    const int fd = outlets.socket_for(frame.pod, Way::link);
    if (fd < 0) return errno;
    sockaddr_ll link{};
    link.sll_family = AF_PACKET;
    link.sll_protocol = htons(static_cast<std::uint16_t>(bytes[12] << 8 | bytes[13]));
    link.sll_ifindex = static_cast<int>(frame.ifindex);
    return finish(
        sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&link), sizeof link),
        bytes.size());
}

// The control message says the source to the kernel's route lookup (rules may ask for it); in the packet it
// is there already.
template <class To, class Info>
int send_packet(int fd, const std::vector<std::uint8_t>& bytes, To& to, int level, int type,
                const Info& info) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(Info))> control{};
    iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    msghdr message{&to, sizeof to, &part, 1, control.data(), control.size(), 0};
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
    return finish(sendmsg(fd, &message, 0), bytes.size());
}

int send_routed(Outlets& outlets, const Frame& frame) {
    const auto& bytes = frame.bytes;
    const unsigned version = bytes.empty() ? 0 : bytes[0] >> 4U;
    if (version == 4 && bytes.size() >= kIpv4) {
        const int fd = outlets.socket_for(frame.pod, Way::ipv4);
        if (fd < 0) return errno;
        sockaddr_in to{};
        to.sin_family = AF_INET;
        std::memcpy(&to.sin_addr, &bytes[16], 4);
        in_pktinfo info{};
        std::memcpy(&info.ipi_spec_dst, &bytes[12], 4);
        return send_packet(fd, bytes, to, IPPROTO_IP, IP_PKTINFO, info);
    }
    if (version == 6 && bytes.size() >= kIpv6) {
        const int fd = outlets.socket_for(frame.pod, Way::ipv6);
        if (fd < 0) return errno;
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        std::memcpy(&to.sin6_addr, &bytes[24], 16);
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, &bytes[8], 16);
        return send_packet(fd, bytes, to, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    return EINVAL;
}

int send(Outlets& outlets, const Frame& frame) {
    if (frame.bytes.size() > kMaxFrameBytes) return EMSGSIZE;
    return frame.ifindex != 0 ? send_on_link(outlets, frame) : send_routed(outlets, frame);
}

std::uint64_t microseconds(Clock::time_point time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
}

Result<void> check(const std::vector<Frame>& frames, const Pods& pods) {
    for (const auto& frame : frames) {
        if (frame.time_us > kLatest) return failure("packet-socket", "a frame for more than a minute later");
        if (const auto place = pods.namespace_of(frame.pod); !place) return tl::unexpected(place.error());
    }
    return {};
}

}  // namespace

Result<FireReply> fire(const std::vector<Frame>& frames, const Pods& pods, const Between& between) {
    if (auto good = check(frames, pods); !good) return tl::unexpected(good.error());
    Outlets outlets(pods);
    // Without privilege nothing could be sent: that is not the same as packets that the kernel would not
    // take.
    if (!frames.empty())
        if (outlets.socket_for(frames.front().pod, frames.front().ifindex != 0 ? Way::link : Way::ipv4) < 0)
            return failure("packet-socket", std::string("no packet socket: ") + std::strerror(errno));
    const auto start = Clock::now();
    FireReply reply;
    reply.started_us = microseconds(start);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto due = start + std::chrono::microseconds(frames[i].time_us);
        if (due > Clock::now() || (i != 0 && i % kChunk == 0)) {
            between(due);
            if (!controller_there()) break;  // nobody is left to be told
        }
        if (const int error = send(outlets, frames[i]); error != 0)
            reply.unsent.push_back({static_cast<std::uint32_t>(i), error});
        else
            ++reply.sent;
    }
    return reply;
}

}  // namespace podroute::agent
