// A loop over three descriptors: the socket's, the agent's, and signals.
#include "agent/watchdog.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "agent/fixer_socket.h"
#include "agent/kernel_objects.h"
#include "agent/messages.h"
#include "agent/provisional.h"

namespace podroute::agent {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstContact{10'000};  // an agent that started us asks at once, or is dead
constexpr std::uint32_t kShortestKeep = 100, kLongestKeep = 3'600'000;  // ms

Descriptor end_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Where the agent holds the other end of our standard output it has given us up, or died, when that is
// closed.
int lifeline() {
    struct stat s {};
    return fstat(STDOUT_FILENO, &s) == 0 && S_ISFIFO(s.st_mode) ? STDOUT_FILENO : -1;
}

class Watchdog {
  public:
    Watchdog(const WatchdogOptions& options, Descriptor listener, Netlink& netlink)
        : options_(options),
          listener_(std::move(listener)),
          signals_(end_signals()),
          objects_(netlink),
          changes_(objects_, Place::here()) {}

    void run() {
        while (!over_) {
            // Once it has connected its socket tells, behind what it said last.
            std::array<pollfd, 4> p{{{listener_.get(), POLLIN, 0},
                                     {agent_.get(), POLLIN, 0},
                                     {signals_.get(), POLLIN, 0},
                                     {agent_.open() ? -1 : lifeline(), 0, 0}}};
            const int ready = poll(p.data(), p.size(), static_cast<int>(left().count()));
            if (ready < 0 && errno == EINTR) continue;
            if (ready <= 0 || p[2].revents != 0) return give_up();
            if (p[1].revents != 0) hear();
            if (p[0].revents != 0)
                greet();
            else if (p[3].revents != 0)
                return;
        }
    }

  private:
    milliseconds left() const {
        return std::max(std::chrono::ceil<milliseconds>(deadline_ - Clock::now()), milliseconds(0));
    }

    // Everybody is told who is at work; only the agent is listened to.
    void greet() {
        Descriptor visitor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!visitor.open()) return;
        const auto peer = peer_of(visitor.get());
        const auto line = to_line({getpid(), options_.run, options_.started, options_.agent, 0});
        static_cast<void>(send(visitor.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
        if (!peer || peer->user != 0 || peer->pid != options_.agent || agent_.open()) return;
        agent_ = std::move(visitor);
        reader_ = MessageReader(agent_.get());
    }

    void hear() {
        const auto body = reader_.next(left());
        if (!body) return give_up();
        const auto request = decode_request(*body);
        if (!request) return say(Refused{request.error()});
        if (const auto* apply = std::get_if<Apply>(&*request)) return say(take(*apply));
        if (std::holds_alternative<Keep>(*request)) return keep();
        if (std::holds_alternative<Revert>(*request)) return finish(changes_.revert(true));
        say(Refused{{"bad-message", "not for a watchdog", ""}});
    }

    Reply take(const Apply& apply) {
        if (applied_) return Refused{{"fixer-busy", "this run has applied its changes already", ""}};
        applied_ = true;
        deadline_ =
            Clock::now() + milliseconds(std::clamp(apply.keep_within_ms, kShortestKeep, kLongestKeep));
        auto reply = changes_.apply(apply, [this] { return reason_to_stop(); });
        over_ = std::holds_alternative<Refused>(reply);
        return reply;
    }

    std::optional<std::string> reason_to_stop() const {
        if (Clock::now() >= deadline_) return "the time to keep the changes had passed";
        pollfd p{agent_.get(), POLLRDHUP, 0};
        if (poll(&p, 1, 0) > 0) return "the agent was gone";
        return std::nullopt;
    }

    void keep() {
        auto reply = changes_.keep();
        if (std::holds_alternative<Refused>(reply)) changes_.revert(true);
        finish(reply);
    }

    // The agent is gone, or its time is over: what it may still read tells it so.
    void give_up() { finish(changes_.revert(false)); }

    void finish(const Reply& reply) {
        over_ = true;
        say(reply);
    }
    void say(const Reply& reply) {
        if (agent_.open()) write_all(agent_.get(), encode(reply));
    }

    const WatchdogOptions& options_;
    Descriptor agent_;  // closed behind the next: who sees this one's end may be the next fixer
    Descriptor listener_, signals_;
    MessageReader reader_{-1};
    KernelObjects objects_;
    Provisional changes_;
    Clock::time_point deadline_ = Clock::now() + kFirstContact;
    bool applied_ = false, over_ = false;
};

}  // namespace

std::vector<std::string> to_words(const WatchdogOptions& options) {
    return {options.run, options.started, std::to_string(options.agent)};
}

std::optional<WatchdogOptions> parse_words(std::span<char* const> words) {
    if (words.size() != 3) return std::nullopt;
    // The same words as in the line that visitors are told, which is checked there.
    const auto holder = parse_line("1 " + std::string(words[0]) + " " + words[1] + " " + words[2]);
    if (!holder) return std::nullopt;
    return WatchdogOptions{holder->run, holder->started, holder->agent};
}

int run_watchdog(const WatchdogOptions& options) {
    prctl(PR_SET_NAME, "podroute-fixer");
    umask(077);
    auto listener = hold_fixer();
    if (!listener) {
        // For the agent, or whoever reads a service's output.
        const std::string why = listener.error().text + "\n";
        static_cast<void>(!write_all(STDOUT_FILENO, why));
        return 1;
    }
    auto netlink = Netlink::open(NETLINK_ROUTE);
    if (!netlink) return 1;
    Watchdog(options, std::move(*listener), *netlink).run();
    return 0;
}

}  // namespace podroute::agent
