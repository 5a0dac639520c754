// Sending and receiving over netlink.
#include "agent/netlink.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace podroute::agent {
namespace {

constexpr int kMaxTries = 8;
constexpr std::size_t kBuffer = std::size_t{256} << 10;  // bytes; a dump's datagrams are at most 32 KB
constexpr int kReceiveBuffer = 4 << 20;
constexpr timeval kTimeout{10, 0};  // the kernel answers at once; this only keeps a fault from hanging

}  // namespace

void put_address(nl_msg* message, int type, const Address& address) {
    nla_put(message, type, static_cast<int>(address.wire_size()), address.wire());
}

Result<void> acknowledged(const Answered& answered) {
    if (answered.error == 0) return {};
    return failure("netlink",
                   std::strerror(answered.error) + (answered.message.empty() ? "" : ": " + answered.message));
}

Result<Netlink> Netlink::open(int protocol) {
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (fd < 0) return failure("netlink", std::string("no netlink socket: ") + std::strerror(errno));
    Netlink out(fd);
    const int one = 1;
    for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK})
        setsockopt(fd, SOL_NETLINK, option, &one,
                   sizeof one);  // an old kernel without one of them still answers
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof kTimeout);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    if (bind(fd, reinterpret_cast<sockaddr*>(&local), sizeof local) != 0)
        return failure("netlink", std::string("netlink bind: ") + std::strerror(errno));
    out.buffer_.resize(kBuffer);
    return out;
}

Netlink::Netlink(Netlink&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), sequence_(other.sequence_), buffer_(std::move(other.buffer_)) {}

Netlink::~Netlink() {
    if (fd_ >= 0) close(fd_);
}

bool Netlink::send(nl_msg& message) {
    nlmsghdr* header = nlmsg_hdr(&message);
    header->nlmsg_seq = ++sequence_;
    return ::send(fd_, header, header->nlmsg_len, 0) >= 0;
}

Netlink::DumpResult Netlink::receive(bool is_dump, const Each& each) {
    DumpResult out;
    for (;;) {
        const ssize_t n = recv(fd_, buffer_.data(), buffer_.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return {{errno, "no answer from the kernel"}, false};
        int left = static_cast<int>(n);
        for (auto* h = reinterpret_cast<nlmsghdr*>(buffer_.data()); nlmsg_ok(h, left) != 0;
             h = nlmsg_next(h, &left)) {
            if (h->nlmsg_seq != sequence_) continue;  // the rest of an answer that was given up
            if ((h->nlmsg_flags & NLM_F_DUMP_INTR) != 0) out.interrupted = true;
            if (h->nlmsg_type == NLMSG_DONE) {
                // A dump that failed half way ends like one that is whole, but for the number it carries.
                const auto* error = static_cast<const int*>(nlmsg_data(h));
                if (nlmsg_datalen(h) >= static_cast<int>(sizeof *error) && *error < 0)
                    out.answered.error = -*error;
                return out;
            }
            if (h->nlmsg_type == NLMSG_ERROR) {
                const auto* e = static_cast<const nlmsgerr*>(nlmsg_data(h));
                out.answered.error = -e->error;
                if ((h->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
                    const std::size_t skip =
                        sizeof *e +
                        ((h->nlmsg_flags & NLM_F_CAPPED) != 0 ? 0 : e->msg.nlmsg_len - sizeof(nlmsghdr));
                    out.answered.message =
                        string_of(attributes<NLMSGERR_ATTR_MAX + 1>(*h, skip)[NLMSGERR_ATTR_MSG]);
                }
                return out;
            }
            if (each) each(*h);
            if (!is_dump) return out;
        }
    }
}

Answered Netlink::request(Message message, const Each& each) {
    if (!send(*message)) return {errno, std::strerror(errno)};
    return receive(false, each).answered;
}

Result<void> Netlink::dump(const std::function<Message()>& make, const Each& each,
                           const std::function<void()>& restart) {
    for (int attempt = 0; attempt < kMaxTries; ++attempt) {
        restart();
        if (!send(*make())) return failure("netlink", std::strerror(errno));
        const auto result = receive(true, each);
        if (result.answered.error != 0) {
            const auto& message = result.answered.message;
            return failure("errno-" + std::to_string(result.answered.error),
                           std::strerror(result.answered.error) + (message.empty() ? "" : ": " + message));
        }
        if (!result.interrupted) return {};
    }
    return failure("netlink", "the tables changed while they were read, each of " +
                                  std::to_string(kMaxTries) + " times");
}

std::uint32_t u32_of(const nlattr* a, std::uint32_t fallback) {
    return a != nullptr && nla_len(a) >= 4 ? nla_get_u32(a) : fallback;
}

std::string string_of(const nlattr* a) {
    if (a == nullptr) return {};
    const auto* text = static_cast<const char*>(nla_data(a));
    return {text, strnlen(text, static_cast<std::size_t>(nla_len(a)))};
}

std::optional<Address> address_of(const nlattr* a) {
    if (a == nullptr) return std::nullopt;
    auto address = Address::from_bytes(nla_data(a), static_cast<std::size_t>(nla_len(a)));
    return address ? std::optional(*address) : std::nullopt;
}

}  // namespace podroute::agent
