// Breaking, fixing, waiting.
#include "tests/e2e/kill_lab.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <thread>

namespace podroute::lab {
namespace {

using namespace std::chrono_literals;

// Longer than a host waits for the word to keep its changes, and than a relay is silent.
constexpr auto kPatience = 90s;

}  // namespace

std::unique_ptr<Lab> KillLab::lab_;

std::string counted(const std::string& file) {
    return "for i in $(seq 50); do grep -qs end " + file + " && break; sleep 0.1; done; ";
}

std::vector<std::string> FixRun::texts(const char* key) const {
    std::vector<std::string> found;
    if (!report.is_object()) return found;
    for (const auto& fix : report.at("fixes"))
        found.push_back(fix.at(key).is_string() ? fix.at(key).get<std::string>() : "");
    return found;
}

void KillLab::SetUpTestSuite() {
    LabOptions options;
    options.name = fmt::format("e2e-kill-{}", getpid());
    auto lab = Lab::up(options);
    if (!lab) FAIL() << lab.error().text;
    lab_ = std::make_unique<Lab>(std::move(*lab));
}

void KillLab::SetUp() {
    ASSERT_TRUE(lab_);
    ASSERT_EQ(jumpbox("grep node- machines.txt >two.txt").exit_code, 0);
    break_node();
    before_ = state();
    const auto first = fix("--count /root/count");
    ASSERT_EQ(first.exit_code, 0) << first.errors;
    ASSERT_EQ(first.statuses(), (std::vector<std::string>{"applied", "applied"})) << first.report;
    const auto processes = [](const Lines& lines) {
        return std::count_if(lines.begin(), lines.end(),
                             [](const auto& l) { return l.starts_with("process"); });
    };
    ASSERT_TRUE(eventually([&] { return processes(after_ = state()) == processes(before_); }));
    ASSERT_NE(before_, after_);
    read_turns();
    break_node();
    ASSERT_TRUE(eventually([&] { return state() == before_; })) << differences_of(before_, state());
}

Finished KillLab::jumpbox(const std::string& shell) {
    return (**lab_).run("jumpbox", {"sh", "-c", shell}, {}, kPatience);
}
Finished KillLab::node(const std::string& shell) {
    return (**lab_).run("node-0", {"sh", "-c", shell}, {}, kPatience);
}

void KillLab::break_node() {
    node("ip route del 10.200.1.0/24; sysctl -qw net.ipv4.ip_forward=0");
}

FixRun KillLab::fix(const std::string& relay_options, const std::string& name) {
    const std::string config = "/root/.ssh/" + name, report = "/root/" + name + ".json";
    std::string relay;
    if (!relay_options.empty())
        relay = fmt::format("Host node-0 node-0.* 10.240.0.20\n    ProxyCommand {} relay {} %h %p\n",
                            PODROUTE_LAB, relay_options);
    const auto written =
        (**lab_).run("jumpbox", {"sh", "-c", "cat - .ssh/config >" + config + "; rm -f " + report},
                     relay.empty() ? "\n" : relay);
    EXPECT_EQ(written.exit_code, 0) << written.errors;
    // Tables only: Apply is then the longest request.
    const auto done = (**lab_).run("jumpbox",
                                   {PODROUTE, "verify", "--machines", "/root/two.txt", "--protocol", "none",
                                    "--fix", "--ssh-config", config, "--json", report},
                                   {}, kPatience);
    EXPECT_FALSE(done.timed_out);
    return {done.exit_code, done.errors,
            nlohmann::json::parse(jumpbox("cat " + report).output, nullptr, false)};
}

bool KillLab::reachable() {
    return jumpbox("ssh -o ConnectTimeout=20 -o KexAlgorithms=curve25519-sha256 node-0 true").exit_code == 0;
}

KillLab::Lines KillLab::state() {
    const RunIn run = [](const std::string& host, const std::vector<std::string>& argv,
                         const std::string& input) { return (**lab_).run(host, argv, input); };
    Topology one = (**lab_).topology();
    std::erase_if(one.hosts, [](const LabHost& host) { return host.name != "node-0"; });
    const auto found = read_states(one, run);
    EXPECT_TRUE(found) << (found ? "" : found.error().text);
    return found ? found->at("node-0") : Lines{};
}

KillLab::Lines KillLab::settled() const {
    Lines now;
    eventually([&] { return (now = state()) == before_ || now == after_; });
    return now;
}

void KillLab::expect_settled(const Lines& wanted) const {
    const Lines now = settled();
    EXPECT_TRUE(now == wanted) << differences_of(wanted, now);
}

bool KillLab::eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(100ms);
    }
    return true;
}

std::string KillLab::differences_of(const Lines& from, const Lines& to) {
    return fmt::format("{}", fmt::join(differences({{"node-0", from}}, {{"node-0", to}}), "\n"));
}

void KillLab::read_turns() {
    std::vector<Turn> all;
    std::istringstream lines(jumpbox(counted("count") + "cat count").output);
    std::uint64_t at = 0, sent = 0;
    std::string word;
    for (std::uint64_t begun = 0; lines >> at >> word; begun = at) {
        if (!all.empty()) all.back().size = at - begun;
        if (!all.empty() && all.back().up) sent += all.back().size;
        if (word != "end") all.push_back({word == "up", 0, sent});
    }
    ASSERT_EQ(word, "end") << "the relay did not write its count";
    // Nothing that a host says is as long as its facts. Gather stands before them, before that Hello and its
    // answer; what is sent before Hello, the program of the agent, comes in turns of any length, as sshd's
    // window adjustments fall.
    std::uint64_t longest = 0;
    for (const Turn& t : all) longest = std::max(longest, t.up ? 0 : t.size);
    const auto facts =
        std::find_if(all.begin(), all.end(), [&](const Turn& t) { return !t.up && t.size >= longest / 2; });
    ASSERT_GE(facts - all.begin(), 3);
    turns_.assign(facts - 3, all.end());
    // Of what is asked after them, Apply is the longest.
    const auto apply =
        std::max_element(turns_.begin() + 4, turns_.end(), [](const Turn& first, const Turn& second) {
            return (first.up ? first.size : 0) < (second.up ? second.size : 0);
        });
    apply_ = static_cast<std::size_t>(apply - turns_.begin());
    // Apply, its answer, lookups, their answer, Keep, its answer.
    ASSERT_LT(apply_ + 5, turns_.size());
}

}  // namespace podroute::lab
