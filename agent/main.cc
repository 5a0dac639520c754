// podroute-agent: answers requests on standard input until it ends. It decides nothing and leaves nothing.
//
// Usage: podroute-agent [--version] [--unlink-self DIR] [--ssh-connection TEXT]
//        podroute-agent --watchdog RUN STARTED PID     (started by an agent, see agent/watchdog.h)
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "agent/armed.h"
#include "agent/fib.h"
#include "agent/firing.h"
#include "agent/fixer.h"
#include "agent/gather.h"
#include "agent/messages.h"
#include "agent/pods.h"
#include "agent/solicit.h"
#include "agent/watchdog.h"

namespace podroute::agent {

namespace {

constexpr std::uint32_t kMaxDeadline = 3'600'000;  // ms: no run takes an hour

Refused refused(const Error& error) {
    return {error};
}

class Agent {
  public:
    Agent(Netlink netlink, std::string ssh_connection)
        : netlink_(std::move(netlink)), ssh_connection_(std::move(ssh_connection)) {}

    Reply answer(const Request& request) {
        return std::visit([this](const auto& r) { return this->handle(r); }, request);
    }
    // False when nothing came for as long as the hello said. Listeners answer meanwhile.
    bool wait_for_input(const Aside& aside) { return armed_.wait_for_input(heartbeat_, aside); }
    Fixer& fixer() { return fixer_; }

  private:
    Reply handle(const Hello& hello) {
        heartbeat_ =
            std::chrono::milliseconds(std::clamp<std::uint32_t>(hello.heartbeat_ms, 100, kMaxDeadline));
        // The alarm ends the process also where it hangs in a write that nobody reads.
        alarm(std::clamp<std::uint32_t>(hello.deadline_ms, 1000, kMaxDeadline) / 1000);
        return HelloReply{kWireVersion, hello.nonce.substr(0, 256), PODROUTE_VERSION, geteuid()};
    }
    Reply handle(const Gather& request) { return gather(netlink_, request, ssh_connection_); }
    Reply handle(const Lookup& request) {
        LookupReply reply;
        for (const auto& query : request.queries) reply.answers.push_back(lookup(netlink_, query));
        return reply;
    }
    Reply handle(const Solicit& request) {
        auto reply = solicit(netlink_, request);
        if (!reply) return refused(reply.error());
        return std::move(*reply);
    }
    Reply handle(const Arm& request) {
        if (auto armed = armed_.arm(request, pods_); !armed) return refused(armed.error());
        return ArmReply{};
    }
    Reply handle(const Fire& request) {
        auto sent = fire(request.frames, pods_, [this](Clock::time_point until) { armed_.attend(until); });
        if (!sent) return refused(sent.error());
        return std::move(*sent);
    }
    Reply handle(const Collect& request) { return armed_.collect(request.wait_ms); }
    Reply handle(const OpenPod& request) {
        auto opened = pods_.open(netlink_, request);
        if (!opened) return refused(opened.error());
        return std::move(*opened);
    }
    Reply handle(const Apply& request) { return fixer_.apply(request); }
    Reply handle(const Keep&) { return fixer_.keep(); }
    Reply handle(const Revert&) { return fixer_.revert(); }
    Reply handle(const Recover&) { return fixer_.recover(); }
    static Reply handle(const Ping&) { return PingReply{}; }
    Reply handle(const Bye&) {
        armed_.close();
        pods_.close();
        return ByeReply{};
    }

    Netlink netlink_;
    Pods pods_;
    Armed armed_;
    Fixer fixer_{netlink_};
    std::string ssh_connection_;
    std::chrono::milliseconds heartbeat_{30'000};  // until the hello says otherwise
};

int serve(const std::string& ssh_connection) {
    auto netlink = Netlink::open(NETLINK_ROUTE);
    if (!netlink) {
        std::fprintf(stderr, "podroute-agent: %s\n", netlink.error().text.c_str());
        return 1;
    }
    Agent agent(std::move(*netlink), ssh_connection);
    const Aside watchdog{[&] { return agent.fixer().descriptor(); }, [&] { agent.fixer().notice(); }};
    MessageReader input(STDIN_FILENO);
    bool good = true;
    while (const auto body = input.next([&] { return agent.wait_for_input(watchdog); })) {
        const auto request = decode_request(*body);
        auto reply = encode(request ? agent.answer(*request) : Reply{refused(request.error())});
        if (reply.size() > kMaxMessageBytes)
            reply = encode(Reply{refused({"too-large", "the answer is larger than a message may be", ""})});
        good = write_all(STDOUT_FILENO, reply);
        if (!good || (request && std::holds_alternative<Bye>(*request))) break;
    }
    agent.fixer().end();
    return good ? 0 : 1;
}

// Takes its own file and the directory made for it away. Only a file that stands right in that directory,
// whose name may lead over symbolic links.
void unlink_self(const char* directory) {
    const std::unique_ptr<char, void (*)(void*)> real(realpath(directory, nullptr), std::free);
    std::array<char, 4096> path{};
    const ssize_t n = readlink("/proc/self/exe", path.data(), path.size() - 1);
    if (n <= 0 || !real) return;
    const std::string_view file(path.data(), static_cast<std::size_t>(n));
    if (file.substr(0, file.rfind('/')) != real.get()) return;
    unlink(path.data());
    rmdir(real.get());
}

int watch(std::span<char* const> words) {
    const auto options = parse_words(words);
    if (!options) return 2;
    try {
        return run_watchdog(*options);
    } catch (const std::exception&) {
        return 1;  // the agent notices, and takes over
    }
}

}  // namespace
}  // namespace podroute::agent

int main(int argc, char** argv) {
    signal(SIGPIPE, SIG_IGN);
    const char* ssh_connection = getenv("SSH_CONNECTION");
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--version") {
            std::puts("podroute-agent " PODROUTE_VERSION);
            return 0;
        }
        if (word == "--unlink-self" && i + 1 < argc)
            podroute::agent::unlink_self(argv[++i]);
        else if (word == "--ssh-connection" && i + 1 < argc)
            ssh_connection = argv[++i];
        else if (word == "--watchdog")
            return podroute::agent::watch({argv + i + 1, argv + argc});
        else
            return 2;
    }
    alarm(3600);
    try {
        return podroute::agent::serve(ssh_connection == nullptr ? "" : ssh_connection);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "podroute-agent: %s\n", e.what());
        return 1;
    }
}
