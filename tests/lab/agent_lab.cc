#include "tests/lab/agent_lab.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "fixtures/lab/namespaces.h"

namespace podroute {

bool in_own_namespace() {
    return lab::outside_machine_network();
}

std::string run(const std::string& command) {
    if (!in_own_namespace()) {
        ADD_FAILURE() << "refused in the root network namespace: " << command;
        return {};
    }
    FILE* pipe = popen((command + " 2>&1").c_str(), "re");
    if (pipe == nullptr) {
        ADD_FAILURE() << command;
        return {};
    }
    std::string out;
    std::array<char, 4096> part{};
    for (std::size_t n = 0; (n = fread(part.data(), 1, part.size(), pipe)) > 0;) out.append(part.data(), n);
    EXPECT_EQ(pclose(pipe), 0) << command << "\n" << out;
    return out;
}

json run_json(const std::string& command) {
    const auto text = run(command);
    auto parsed = json::parse(text.empty() ? "[]" : text, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << command << "\n" << text;
    return parsed;
}

Elsewhere::Elsewhere() {
    std::array<int, 2> ready{};
    if (pipe(ready.data()) != 0) return;
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const char good = getppid() == parent && unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
        if (write(ready[1], &good, 1) != 1 || good != 'y') _exit(1);
        for (;;) pause();
    }
    char good = 'n';
    EXPECT_EQ(read(ready[0], &good, 1), 1);
    EXPECT_EQ(good, 'y') << "no namespace for the peer";
    close(ready[0]), close(ready[1]);
}

Elsewhere::~Elsewhere() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

std::string Elsewhere::run(const std::string& command) const {
    return podroute::run("nsenter -t " + std::to_string(pid_) + " -n " + command);
}

void AgentLab::SetUp() {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "needs root";
    ASSERT_TRUE(in_own_namespace())
        << "this could not be told from the machine's own network namespace: nothing is run";
    run("ip link set lo up");
}

std::unique_ptr<LocalAgentLink> AgentLab::start(const LocalAgentLink::Options& options) {
    if (!in_own_namespace()) {
        ADD_FAILURE() << "refused in the root network namespace";
        std::abort();
    }
    auto link = LocalAgentLink::start(PODROUTE_AGENT_FILE, options);
    if (!link) {
        ADD_FAILURE() << link.error().text;
        std::abort();
    }
    return std::move(*link);
}

HostFacts AgentLab::gather(const Gather& request) {
    auto link = start();
    ask<HelloReply>(*link, Hello{});
    auto facts = ask<HostFacts>(*link, request);
    ask<ByeReply>(*link, Bye{});
    const auto status = link->wait(soon());
    EXPECT_TRUE(status.has_value());
    EXPECT_EQ(ending(status.value_or(-1)), 0) << link->standard_error();
    EXPECT_EQ(link->standard_error(), "");
    return facts;
}

void AgentLab::connect_peer(const Elsewhere& peer) {
    run("ip link add node address 02:00:00:00:00:20 type veth peer name peer address 02:00:00:00:00:21 "
        "netns " +
        std::to_string(peer.pid()));
    run("ip link set node up");
    run("ip addr add 10.240.0.20/24 dev node");
    run("ip addr add fd00:240::20/64 dev node nodad");
    peer.run("ip addr add 10.240.0.21/24 dev peer");
    peer.run("ip addr add fd00:240::21/64 dev peer nodad");
    peer.run("ip link set peer up");
    // Both ends carry packets once the link watch has seen them.
    for (int i = 0; i < 200 && run("ip -o link show node").find("state UP") == std::string::npos; ++i)
        usleep(10'000);
}

Address ip(const std::string& text) {
    return Address::parse(text).value();
}
Prefix net(const std::string& text) {
    return Prefix::parse(text).value();
}

Gather tutorial() {
    return {
        {net("10.200.0.0/24"), net("10.200.1.0/24"), net("fd00:200:0:1::/64")},
        {net("10.200.0.0/24")},
        {ip("10.240.0.10"), ip("10.240.0.20"), ip("10.240.0.21"), ip("fd00:240::20"), ip("fd00:240::21")}};
}

int ending(int status) {
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace podroute
