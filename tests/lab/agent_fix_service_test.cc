// The watchdog as a unit of its own, by a systemd-run that is a script: it starts what it is told in a
// session of its own and writes down its words.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fixtures/lab/namespaces.h"
#include "fixtures/lab/process.h"
#include "tests/lab/agent_fix.h"

namespace podroute {
namespace {

namespace fs = std::filesystem;

constexpr auto kLog = "/run/systemd-run.log";

class AgentFixService : public AgentFix {
  protected:
    // A host where systemd is the first process, as far as an agent can see.
    void SetUp() override {
        AgentFix::SetUp();
        if (HasFatalFailure()) return;
        fs::create_directories("/run/systemd/system");
        fs::create_directories("/run/bin");
        before = state();
    }
    static void systemd_run(const std::string& script) {
        std::ofstream("/run/bin/systemd-run") << "#!/bin/sh\n" << script;
        ASSERT_EQ(chmod("/run/bin/systemd-run", 0755), 0);
    }
    // Runs `body` as the first process of a PID namespace; what it returns is what went wrong. In there the
    // guard of these tests would take our namespace for the machine's, so it is held against what it was
    // outside.
    static void as_first_process(const std::function<std::string()>& body) {
        ASSERT_TRUE(in_own_namespace());
        const auto own = lab::network_identity();
        const std::string path = std::string("/run/bin:") + getenv("PATH");
        const auto first = static_cast<pid_t>(
            syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
        ASSERT_GE(first, 0);
        if (first == 0) {
            setenv("PATH", path.c_str(), 1);
            const bool good =
                mount("proc", "/proc", "proc", 0, nullptr) == 0 && lab::network_identity() == own;
            const auto wrong = good ? body() : "no host";
            std::ofstream("/run/wrong") << wrong;
            _exit(0);
        }
        ASSERT_EQ(waitpid(first, nullptr, 0), first);
        EXPECT_EQ(lab::read_text("/run/wrong"), "");
        ASSERT_TRUE(fs::exists("/run/wrong"));
    }
    static std::unique_ptr<LocalAgentLink> greeted() {
        auto link = LocalAgentLink::start(PODROUTE_AGENT_FILE);
        if (!link || !(*link)->call(Hello{}, soon())) return nullptr;
        return std::move(*link);
    }
    static bool nobody_fixes() {
        const auto there = agent::contact_fixer(std::chrono::seconds(5));
        return there && !*there;
    }
    std::string before;
};

TEST_F(AgentFixService, TheWatchdogIsAUnitAndOutlivesItsAgent) {
    systemd_run(
        "echo \"$@\" >>/run/systemd-run.log\nwhile [ \"$1\" != -- ]; do shift; done; shift\n"
        "setsid \"$@\" </dev/null >/dev/null 2>&1 &\n");
    const auto apply = request({added("10.200.1.0/24", "10.240.0.21")});
    pid_t pid = 0;
    as_first_process([&]() -> std::string {
        for (int i = 0; i < 2; ++i) {
            const auto link = greeted();
            if (!link) return "no agent";
            const auto reply = link->call(apply, soon());
            if (!reply || !std::holds_alternative<ApplyReply>(*reply)) return "not applied";
            pid = link->pid();
            std::ofstream("/run/agents", std::ios::app) << pid << "\n";
            if (i == 0) kill(pid, SIGKILL);
            if (i == 1 && !link->call(Keep{}, soon())) return "not kept";
            if (!eventually(nobody_fixes)) return "a watchdog stays";
        }
        return {};
    });
    std::ifstream agents("/run/agents");
    std::string words;
    while (agents >> pid)
        words += "--collect --quiet --unit=podroute-watchdog-run1 -- /proc/" + std::to_string(pid) +
                 "/exe --watchdog run1 2026-11-24T10:00:00Z " + std::to_string(pid) + "\n";
    EXPECT_EQ(lab::read_text(kLog), words);
    EXPECT_EQ(run("ip route show proto 112"), "10.200.1.0/24 via 10.240.0.21 dev eth0 \n");
}

TEST_F(AgentFixService, WithoutAUnitNothingIsChanged) {
    systemd_run("echo Failed to connect to bus >&2; exit 1\n");
    const auto apply = request({added("10.200.1.0/24", "10.240.0.21")});
    as_first_process([&]() -> std::string {
        const auto link = greeted();
        const auto reply = link ? link->call(apply, soon()) : failure("", "no agent");
        if (!reply) return reply.error().text;
        const auto* refused = std::get_if<Refused>(&*reply);
        if (refused == nullptr) return "applied";
        if (refused->error.code != "watchdog" ||
            refused->error.text.find("Failed to connect to bus") == std::string::npos)
            return refused->error.text;
        return nobody_fixes() ? "" : "a watchdog runs";
    });
    EXPECT_EQ(state(), before);
}

// A service would be started on the machine, not in this namespace.
TEST_F(AgentFixService, WhereTheFirstProcessIsElsewhereItIsNotAsked) {
    systemd_run("echo asked >/run/systemd-run.log\n");
    auto link = agent();
    EXPECT_EQ(apply(*link, {added("10.200.1.0/24", "10.240.0.21")})[0].status, FixStatus::applied);
    ask<RevertReply>(*link, Revert{});
    EXPECT_EQ(state(), before);
    EXPECT_FALSE(fs::exists(kLog));
}

}  // namespace
}  // namespace podroute
