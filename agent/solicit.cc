// Neighbour resolution through the kernel (net/core/neighbour.c, neigh_add with NTF_USE).
#include "agent/solicit.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>

#include "agent/tables.h"
#include "agent/waiting.h"

namespace podroute::agent {
namespace {

constexpr std::size_t kMaxTargets = 4096;
constexpr std::uint32_t kMaxWait = 10'000;  // ms
constexpr auto kFirstLook = std::chrono::milliseconds(1);
constexpr auto kSlowestLook = std::chrono::milliseconds(50);
// Sooner than this after it was asked for, an entry fails only if somebody had asked before: of the kernel's
// own three questions, a second apart, the last may have gone before its neighbour was there.
constexpr auto kOwnAttempt = std::chrono::milliseconds(2'500);

int use(Netlink& netlink, const SolicitTarget& target) {
    ndmsg head{};
    head.ndm_family = static_cast<unsigned char>(target.address.is_v4() ? AF_INET : AF_INET6);
    head.ndm_ifindex = static_cast<int>(target.ifindex);
    head.ndm_flags = NTF_USE;
    auto message = make_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, head);
    put_address(message.get(), NDA_DST, target.address);
    return netlink.request(std::move(message)).error;
}

bool settled(const Neighbour& n) {
    // A probed entry is reachable or failed soon. One that is delayed would take 5 s to be probed: it was
    // good when it was last used.
    constexpr unsigned kUnsettled = NUD_INCOMPLETE | NUD_PROBE;
    return n.state != 0 && (n.state & kUnsettled) == 0;
}

// Asks once more for what failed by an attempt that others began; those of `again`, whose targets leave it.
bool ask_again(Netlink& netlink, const std::vector<Neighbour>& entries, std::vector<SolicitTarget>& again) {
    return std::erase_if(again, [&](const SolicitTarget& target) {
               const bool failed = std::any_of(entries.begin(), entries.end(), [&](const Neighbour& n) {
                   return n.address == target.address && n.ifindex == target.ifindex &&
                          (n.state & NUD_FAILED) != 0;
               });
               return failed && use(netlink, target) == 0;
           }) != 0;
}

std::vector<Neighbour> look(Netlink& netlink, const std::vector<SolicitTarget>& targets) {
    std::set<Address> addresses;
    for (const auto& t : targets) addresses.insert(t.address);
    const auto table = read_neighbours(netlink, [&](const Address& a) { return addresses.contains(a); });
    std::vector<Neighbour> out;
    for (const auto& t : targets) {
        Neighbour entry{t.address, t.ifindex, "", 0};
        if (table)
            for (const auto& n : table->wanted)
                if (n.address == t.address && n.ifindex == t.ifindex) entry = n;
        out.push_back(std::move(entry));
    }
    return out;
}

}  // namespace

Result<SolicitReply> solicit(Netlink& netlink, const Solicit& request) {
    auto targets = request.targets;
    targets.resize(std::min(targets.size(), kMaxTargets));
    // Without this an agent that may not ask would look like a neighbour that does not answer.
    for (const auto& t : targets)
        if (const int error = use(netlink, t); error == EPERM)
            return failure("solicit", "only root may have neighbours resolved");
    const auto start = Clock::now();
    const auto until = start + std::chrono::milliseconds(std::min(request.wait_ms, kMaxWait));
    auto again = targets;
    auto pause = kFirstLook;
    for (;;) {
        auto entries = look(netlink, targets);
        if (Clock::now() < std::min(until, start + kOwnAttempt) && ask_again(netlink, entries, again))
            continue;
        if (std::all_of(entries.begin(), entries.end(), settled) || Clock::now() >= until ||
            !controller_there())
            return SolicitReply{std::move(entries)};
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, kSlowestLook);
    }
}

}  // namespace podroute::agent
