// A netlink socket: one request at a time, all answers to a callback. Messages are built and read with
// libnl's nlmsg and nla helpers; its own error mapping loses the kernel's errno and extended ack, so that
// sending and receiving are done here.
#pragma once

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/ip.h"
#include "model/result.h"

namespace podroute::agent {

struct FreeMessage {
    void operator()(nl_msg* m) const { nlmsg_free(m); }
};
using Message = std::unique_ptr<nl_msg, FreeMessage>;

// A request of `type` with a fixed header copied from `header`.
template <class Header>
Message make_message(int type, int flags, const Header& header) {
    Message m(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));
    nlmsg_append(m.get(), const_cast<Header*>(&header), sizeof header, NLMSG_ALIGNTO);
    return m;
}
void put_address(nl_msg* message, int type, const Address& address);

struct Answered {
    int error = 0;        // errno of the kernel, 0 for success
    std::string message;  // of the extended ack, if any
};

// An answer as a result. Errors: "netlink" with the kernel's words.
Result<void> acknowledged(const Answered& answered);

using Each = std::function<void(const nlmsghdr&)>;

class Netlink {
  public:
    static Result<Netlink> open(int protocol);
    Netlink(Netlink&& other) noexcept;
    Netlink& operator=(Netlink&&) = delete;
    ~Netlink();

    // One request with one answer (or an acknowledgement, where flags hold NLM_F_ACK).
    Answered request(Message message, const Each& each = {});
    // A dump, whole: repeated when the kernel says that it was interrupted by a change, at most kMaxTries
    // times. `restart` empties what was collected. Errors: "errno-N" as the kernel said it, "netlink".
    Result<void> dump(const std::function<Message()>& make, const Each& each,
                      const std::function<void()>& restart);

  private:
    explicit Netlink(int fd) : fd_(fd) {}
    struct DumpResult {
        Answered answered;
        bool interrupted = false;
    };
    bool send(nl_msg& message);
    DumpResult receive(bool is_dump, const Each& each);

    int fd_ = -1;
    std::uint32_t sequence_ = 0;
    std::vector<char> buffer_;
};

// Attributes of a message behind its fixed header, by type; absent ones are null.
template <std::size_t N>
struct Attributes {
    std::array<nlattr*, N> at{};
    nlattr* operator[](std::size_t i) const { return at[i]; }
};
template <std::size_t N>
Attributes<N> attributes(const nlmsghdr& header, std::size_t fixed) {
    Attributes<N> out;
    nla_parse(out.at.data(), static_cast<int>(N) - 1, nlmsg_attrdata(&header, static_cast<int>(fixed)),
              nlmsg_attrlen(&header, static_cast<int>(fixed)), nullptr);
    return out;
}
std::uint32_t u32_of(const nlattr* a, std::uint32_t fallback = 0);
std::string string_of(const nlattr* a);
std::optional<Address> address_of(const nlattr* a);

}  // namespace podroute::agent
