#include "tests/lab/agent_fix.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace podroute {
namespace {

namespace fs = std::filesystem;

// Processes of a watchdog in this network namespace; one that has ended but was not waited for does not
// count.
std::vector<pid_t> watchdogs() {
    std::vector<pid_t> found;
    std::error_code none;
    const auto own = fs::read_symlink("/proc/self/ns/net", none);
    for (const auto& entry : fs::directory_iterator("/proc", none)) {
        std::string name;
        std::getline(std::ifstream(entry.path() / "comm") >> std::ws, name);
        if (name == "podroute-fixer" && fs::read_symlink(entry.path() / "ns/net", none) == own)
            found.push_back(std::stoi(entry.path().filename()));
    }
    return found;
}

}  // namespace

bool eventually(const std::function<bool()>& condition) {
    for (const auto until = soon(); std::chrono::steady_clock::now() < until;
         std::this_thread::sleep_for(std::chrono::milliseconds(5)))
        if (condition()) return true;
    return condition();
}

RouteObject object_of(const Route& route) {
    return {route.destination, route.table, route.metric, route.tos};
}
Change from_to(const Route& before, const Route& after) {
    return {object_of(before), State{before}, State{after}};
}
Change removed(const Route& route) {
    return {object_of(route), State{route}, std::nullopt};
}

void AgentFix::SetUp() {
    AgentLab::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"), 0);
    run("ip link add eth0 address 02:00:00:00:00:20 type veth peer name far0");
    // Without link-local addresses, which come some time after the link is up.
    run("ip link set eth0 addrgenmode none; ip link set far0 addrgenmode none");
    run("ip link set far0 up; ip link set eth0 up; ip addr add 10.240.0.20/24 dev eth0");
    run("ip addr add fd00:240::20/64 dev eth0 nodad");
    ASSERT_TRUE(eventually([] {
        const auto routes = run("ip -6 route show table all");
        return routes.find("local fd00:240::20") != std::string::npos &&
               routes.find("linkdown") == std::string::npos &&
               routes.find("multicast ff00::/8 dev far0") != std::string::npos;
    }));
    eth0 = run_json("ip -j link show eth0")[0]["ifindex"].get<std::uint32_t>();
}

void AgentFix::TearDown() {
    EXPECT_TRUE(eventually([] { return watchdogs().empty(); })) << "a watchdog stays";
    for (const pid_t left : watchdogs()) kill(left, SIGKILL);
    EXPECT_FALSE(fs::exists(kFolder)) << "a journal stays";
}

std::unique_ptr<LocalAgentLink> AgentFix::agent(const Hello& hello, const LocalAgentLink::Options& options) {
    auto link = start(options);
    ask<HelloReply>(*link, hello);
    return link;
}

Apply AgentFix::request(std::vector<Change> changes, std::uint32_t keep_within_ms, const std::string& run) {
    return {run, kStarted, std::move(changes), keep_within_ms};
}

std::vector<ChangeOutcome> AgentFix::apply(LocalAgentLink& link, std::vector<Change> changes,
                                           std::uint32_t keep_within_ms) {
    const auto count = changes.size();
    auto outcomes = ask<ApplyReply>(link, request(std::move(changes), keep_within_ms)).outcomes;
    EXPECT_EQ(outcomes.size(), count);
    outcomes.resize(count);
    return outcomes;
}

Error AgentFix::refusal(LocalAgentLink& link, const Request& request) {
    return ask<Refused>(link, request).error;
}

Route AgentFix::route(const std::string& destination, const std::string& gateway, std::uint32_t metric,
                      std::uint8_t protocol) const {
    Route r;
    r.destination = net(destination);
    r.protocol = protocol;
    r.metric = metric == 0 && r.destination.family() == Family::v6 ? 1024 : metric;
    r.next_hops = {{ip(gateway), eth0, 0, 1}};
    return r;
}

Change AgentFix::added(const std::string& destination, const std::string& gateway,
                       std::uint32_t metric) const {
    const auto r = route(destination, gateway, metric);
    return {object_of(r), std::nullopt, State{r}};
}

std::string AgentFix::state() {
    return run(
        "ip route show table all; ip -6 route show table all; ip neigh show nud permanent; "
        "cd /proc/sys/net; grep -r . ipv4/ip_forward ipv4/conf/*/forwarding ipv4/conf/*/accept_redirects "
        "ipv6/conf/*/forwarding");
}

std::vector<std::string> AgentFix::journals() {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(kFolder, none)) names.push_back(entry.path());
    return names;
}

agent::Holder AgentFix::holder() {
    auto contact = agent::contact_fixer(std::chrono::seconds(5));
    EXPECT_TRUE(contact) << contact.error().text;
    return contact && *contact ? (*contact)->holder : agent::Holder{};
}

void AgentFix::kill_process(pid_t pid, int signal) {
    ASSERT_GT(pid, 1);
    ASSERT_EQ(kill(pid, signal), 0);
}

}  // namespace podroute
