// The probe engine against fping: 1,000 targets, both from one namespace, in turn.
//
//   this process, a namespace of its own           a second process and namespace
//     10.240.0.20 ─────────────── veth ─────────────── 10.240.0.21, answers for 10.200.0.0/22
//
// A side is timed from its first packet's crafting (fping: from its start) to its last answer. Prints a
// Markdown table of medians. Needs root. Usage: bench-engine AGENT [RUNS]
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "fixtures/fakes/local_agent_link.h"
#include "fixtures/lab/namespaces.h"
#include "probes/filter.h"
#include "probes/packet.h"
#include "probes/probe_filter.h"
#include "probes/reading.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kTargets = 1000;
constexpr std::uint16_t kBursts = 19;  // probes of each target in one run: as many as a round can number
static_assert(kBursts * kTargets <= kMaxNumber);
constexpr std::uint32_t kSnaplen = 128;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "bench-engine: %s\n", why.c_str());
    std::exit(1);
}

std::string output_of(const std::string& command) {
    if (!lab::outside_machine_network()) give_up("refused in the machine's own network namespace");
    std::FILE* pipe = popen(("( " + command + " ) 2>&1").c_str(), "re");
    if (pipe == nullptr) give_up(command);
    std::string out;
    char part[4096];
    for (std::size_t n = 0; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) out.append(part, n);
    if (const int status = pclose(pipe); status != 0) give_up(command + ": " + out);
    return out;
}

// The peer ends with this process.
pid_t start_peer() {
    int ready[2];
    if (pipe(ready) != 0) give_up("no pipe");
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const char good = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
        if (write(ready[1], &good, 1) != 1 || good != 'y') _exit(1);
        for (;;) pause();
    }
    char good = 'n';
    if (read(ready[0], &good, 1) != 1 || good != 'y') give_up("no namespace for the peer; are you root?");
    return pid;
}

void connect(pid_t peer) {
    const std::string there = "nsenter -t " + std::to_string(peer) + " -n ";
    for (const std::string& command :
         {std::string("ip link set lo up"),
          "ip link add eth0 type veth peer name eth0 netns " + std::to_string(peer),
          std::string("ip addr add 10.240.0.20/24 dev eth0"), std::string("ip link set eth0 up"),
          there + "ip link set lo up", there + "ip addr add 10.240.0.21/24 dev eth0",
          there + "ip link set eth0 up", there + "ip route add local 10.200.0.0/22 dev lo",
          std::string("ip route add 10.200.0.0/22 via 10.240.0.21")})
        output_of(command);
    output_of("ping -c 1 -w 5 10.240.0.21");  // resolves the neighbour, for both sides alike
}

Address target(unsigned i) {
    return Address::v4(0x0ac80001U).offset(i);
}

template <class T>
T ask(HostLink& agent, const Request& request) {
    auto reply = agent.call(request, Clock::now() + std::chrono::seconds(20));
    if (!reply) give_up(reply.error().text);
    if (auto* wanted = std::get_if<T>(&*reply)) return std::move(*wanted);
    give_up("a reply of another type");
}

struct Outcome {
    double seconds = 0;
    unsigned lost = 0;
};

// One burst: crafted and read by probes/, sent and caught by the agent. How many were lost.
unsigned burst(HostLink& agent, const ProbeKey& key, std::uint16_t number) {
    Fire fire;
    for (std::uint16_t i = 0; i < kTargets; ++i) {
        ProbePacket packet;
        packet.source = *Address::parse("10.240.0.20");
        packet.destination = target(i);
        packet.number = static_cast<std::uint16_t>(number + i);
        packet.size = 84;  // fping's default: 56 bytes of data
        fire.frames.push_back({0, 0, *craft_probe(packet, key), 0});
    }
    ask<FireReply>(agent, fire);
    std::vector<bool> answered(kTargets);
    unsigned answers = 0;
    for (int tries = 0; answers < kTargets && tries < 10; ++tries)
        for (const Frame& frame : ask<CollectReply>(agent, Collect{100}).frames) {
            const auto seen = read_probe(frame.bytes, key);
            if (!seen || seen->kind != SeenKind::reply || seen->number < number) continue;
            const std::size_t i = seen->number - std::size_t{number};
            if (i >= kTargets || answered[i]) continue;
            answered[i] = true;
            ++answers;
        }
    return kTargets - answers;
}

// One round: armed once, as verify does.
Outcome run_engine(HostLink& agent, std::uint32_t uplink, std::uint16_t run) {
    Outcome outcome;
    const auto start = Clock::now();
    const ProbeKey key{0x706f64726f757465, static_cast<std::uint16_t>(run + 1)};
    const auto filter = compile_filter(probes_expression(key, {}), kSnaplen);
    if (!filter) give_up(filter.error().text);
    ask<ArmReply>(agent, Arm{{Capture{uplink, *filter, kSnaplen, kBursts * kTargets, 0, false}}, {}});
    for (std::uint16_t i = 0; i < kBursts; ++i)
        outcome.lost += burst(agent, key, static_cast<std::uint16_t>(i * kTargets + 1));
    outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return outcome;
}

Outcome run_fping(const std::string& targets) {
    const auto start = Clock::now();
    // -i 0 -p 1: as fast as it can; -c: so many probes of each target; -q -s: only the sum at the end.
    const auto said = output_of("fping -q -s -i 0 -p 1 -c " + std::to_string(kBursts) + " -f " + targets +
                                " || test $? = 1");
    Outcome outcome;
    outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const auto at = said.find(" ICMP Echo Replies received");
    if (at == std::string::npos)
        give_up("fping said: " + said.substr(said.size() - std::min<std::size_t>(said.size(), 400)));
    const auto begin = said.find_last_not_of("0123456789", at - 1) + 1;
    outcome.lost = kTargets * kBursts - static_cast<unsigned>(std::stoul(said.substr(begin, at - begin)));
    return outcome;
}

void print(const char* name, std::vector<Outcome> runs) {
    std::sort(runs.begin(), runs.end(),
              [](const Outcome& a, const Outcome& b) { return a.seconds < b.seconds; });
    unsigned lost = 0;
    for (const Outcome& run : runs) lost += run.lost;
    const double median = runs[runs.size() / 2].seconds;
    std::printf("| %s | %.0f | %.1f ms | %u of %zu |\n", name, kTargets * kBursts / median,
                median / kBursts * 1000, lost, runs.size() * kTargets * kBursts);
}

int bench(const std::string& program, unsigned runs) {
    if (unshare(CLONE_NEWNET) != 0 || !lab::outside_machine_network()) give_up("needs root");
    const pid_t peer = start_peer();
    connect(peer);
    const auto uplink = static_cast<std::uint32_t>(
        std::stoul(output_of("cat /proc/net/igmp | awk '$2 == \"eth0\" { print $1 }'")));
    char targets[] = "/tmp/bench-engine-XXXXXX";
    const int file = mkstemp(targets);
    std::string list;
    for (unsigned i = 0; i < kTargets; ++i) list += target(i).to_string() + "\n";
    if (file < 0 || write(file, list.data(), list.size()) != static_cast<ssize_t>(list.size()))
        give_up("no file");
    auto agent = LocalAgentLink::start(program);
    if (!agent) give_up(agent.error().text);
    ask<HelloReply>(**agent, Hello{});
    std::vector<Outcome> engine, fping;
    for (unsigned run = 0; run < runs; ++run) {
        engine.push_back(run_engine(**agent, uplink, static_cast<std::uint16_t>(run)));
        fping.push_back(run_fping(targets));
    }
    ask<ByeReply>(**agent, Bye{});
    unlink(targets);
    kill(peer, SIGKILL);
    waitpid(peer, nullptr, 0);
    std::printf("| side | probes a second | 1,000 targets | lost |\n|---|---|---|---|\n");
    print("podroute's engine", engine);
    print("fping -i 0", fping);
    return 0;
}

}  // namespace
}  // namespace podroute

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench-engine AGENT [RUNS]\n");
        return 2;
    }
    return podroute::bench(argv[1], argc > 2 ? static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)) : 9);
}
