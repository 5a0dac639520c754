// However a fix ends, the host is as before or as after, and nothing of the fix is left on it.
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "agent/journal.h"
#include "agent/provisional.h"
#include "tests/lab/agent_fix.h"

namespace podroute {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class AgentFixLife : public AgentFix {
  protected:
    void SetUp() override {
        AgentFix::SetUp();
        if (!HasFatalFailure()) before = state();
    }
    // Routes and a set of sysctls, so many that a fix of them takes a while.
    std::vector<Change> many(int routes = 150) const {
        std::vector<Change> changes;
        for (int i = 0; i < routes; ++i)
            changes.push_back(i % 2 == 0
                                  ? added("10.200." + std::to_string(i) + ".0/24", "10.240.0.21")
                                  : added("fd00:200:0:" + std::to_string(i) + "::/64", "fd00:240::21"));
        using Values = std::map<std::string, std::string>;
        Values now{{"ipv4/ip_forward", "0"}};
        for (const std::string link : {"all", "default", "eth0", "far0", "lo"})
            now["ipv4/conf/" + link + "/forwarding"] = "0";
        Values then = now;
        then["ipv4/ip_forward"] = then["ipv4/conf/all/forwarding"] = then["ipv4/conf/eth0/forwarding"] = "1";
        changes.insert(changes.begin() + routes / 2,
                       {SysctlSetObject{"ipv4/ip_forward"}, State{now}, State{then}});
        return changes;
    }
    void applied(LocalAgentLink& link, std::uint32_t keep_within_ms = 60'000) {
        for (const auto& o : apply(link, many(6), keep_within_ms)) EXPECT_EQ(o.status, FixStatus::applied);
        EXPECT_NE(state(), before);
        EXPECT_EQ(journals().size(), 1U);
    }
    void expect_as_before(const std::string& what) {
        EXPECT_TRUE(eventually([&] { return state() == before && !fs::exists(kFolder); })) << what;
        EXPECT_EQ(state(), before);
    }
    // A journal whose watchdog and agent were killed.
    void orphan() {
        auto link = agent();
        applied(*link);
        const pid_t watchdog = holder().pid;
        kill_process(link->pid(), SIGSTOP);
        kill_process(watchdog, SIGKILL);
        kill_process(link->pid(), SIGKILL);
        EXPECT_EQ(ending(link->wait(soon()).value_or(-1)), -SIGKILL);
        EXPECT_TRUE(eventually([&] { return holder().pid == 0; }));
    }
    std::string before;
};

TEST_F(AgentFixLife, EndOfInputTakesBack) {
    auto link = agent();
    applied(*link);
    link->close_input();
    EXPECT_EQ(ending(link->wait(soon()).value_or(-1)), 0);
    EXPECT_EQ(state(), before) << "when the agent has ended all is done";
}

TEST_F(AgentFixLife, ByeWithoutKeepTakesBack) {
    auto link = agent();
    applied(*link);
    ask<ByeReply>(*link, Bye{});
    EXPECT_EQ(ending(link->wait(soon()).value_or(-1)), 0);
    EXPECT_EQ(state(), before);
}

TEST_F(AgentFixLife, AMissedHeartbeatAndTheDeadlineTakeBack) {
    for (const auto& [hello, end] :
         {std::pair{Hello{1, "", 60'000, 1500}, 0}, std::pair{Hello{1, "", 2000, 60'000}, -SIGALRM}}) {
        auto link = agent(hello);
        applied(*link);
        EXPECT_EQ(ending(link->wait(soon()).value_or(-1)), end);
        expect_as_before("ended with " + std::to_string(end));
    }
}

TEST_F(AgentFixLife, TimeThatPassedTakesBackAndKeepComesTooLate) {
    auto link = agent();
    applied(*link, 1500);
    expect_as_before("in time");
    const auto late = refusal(*link, Keep{});
    EXPECT_EQ(late.code, "reverted");
    for (const auto& o : ask<RevertReply>(*link, Revert{}).outcomes)
        EXPECT_EQ(o.status, FixStatus::reverted) << o.reason;
    EXPECT_EQ(state(), before);
    // And the agent may try again.
    applied(*link);
    const auto after = state();
    ask<KeepReply>(*link, Keep{});
    EXPECT_EQ(state(), after);
}

TEST_F(AgentFixLife, AFrozenAgentDoesNotHoldTheHost) {
    auto link = agent();
    applied(*link, 2000);
    kill_process(link->pid(), SIGSTOP);
    expect_as_before("while the agent is stopped");
    kill_process(link->pid(), SIGCONT);
    EXPECT_EQ(refusal(*link, Keep{}).code, "reverted");
}

TEST_F(AgentFixLife, AWatchdogThatIsToldToEndTakesBack) {
    auto link = agent();
    applied(*link);
    kill_process(holder().pid, SIGTERM);
    expect_as_before("SIGTERM");
    EXPECT_EQ(refusal(*link, Keep{}).code, "reverted");
}

TEST_F(AgentFixLife, NothingAppliedNothingToKeep) {
    auto link = agent();
    EXPECT_EQ(refusal(*link, Keep{}).code, "nothing-applied");
    EXPECT_EQ(refusal(*link, Revert{}).code, "nothing-applied");
    EXPECT_EQ(ask<RecoverReply>(*link, Recover{}).run, "");
    EXPECT_TRUE(apply(*link, {}).empty());
    ask<KeepReply>(*link, Keep{});
}

TEST_F(AgentFixLife, AnAgentKilledAtAnyMomentIsTakenBack) {
    std::mt19937 random(11);
    for (int i = 0; i < 16; ++i) {
        auto link = agent();
        ASSERT_TRUE(link->send(encode(Request{request(many())}), soon()));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
        kill_process(link->pid(), SIGKILL);
        EXPECT_EQ(ending(link->wait(soon()).value_or(-1)), -SIGKILL);
        // One that was only just started waits for an agent that never comes.
        EXPECT_TRUE(eventually([] { return holder().pid == 0; })) << i;
        expect_as_before("kill " + std::to_string(i));
    }
}

TEST_F(AgentFixLife, AWatchdogKilledAtAnyMomentIsStoodInForByTheAgent) {
    std::mt19937 random(12);
    int while_applying = 0;
    for (int i = 0; i < 16; ++i) {
        auto link = agent();
        ASSERT_TRUE(link->send(encode(Request{request(many())}), soon()));
        ASSERT_TRUE(eventually([] { return holder().pid != 0; }));
        const auto pid = holder().pid;
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
        kill_process(pid, SIGKILL);
        const auto reply = link->receive(soon());
        ASSERT_TRUE(reply) << reply.error().text;
        bool never_reached = false;
        if (const auto* refused = std::get_if<Refused>(&*reply)) {
            ++while_applying;
            EXPECT_EQ(refused->error.code, "watchdog") << refused->error.text;
            never_reached = refused->error.text == "the watchdog did not start";
        }
        expect_as_before("kill " + std::to_string(i));
        EXPECT_EQ(refusal(*link, Keep{}).code, never_reached ? "nothing-applied" : "watchdog") << i;
        if (!never_reached) {
            for (const auto& o : ask<RevertReply>(*link, Revert{}).outcomes)
                EXPECT_TRUE(o.status == FixStatus::reverted || o.reason == "it was not reached") << o.reason;
        }
        ask<ByeReply>(*link, Bye{});
    }
    RecordProperty("while_applying", while_applying);
}

TEST_F(AgentFixLife, AControllerThatGoesWhileChangesAreMadeIsNoticed) {
    std::mt19937 random(13);
    for (int i = 0; i < 8; ++i) {
        auto link = agent();
        ASSERT_TRUE(link->send(encode(Request{request(many())}), soon()));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
        link->close_input();
        link->close_output();
        EXPECT_TRUE(link->wait(soon()).has_value());
        expect_as_before("gone " + std::to_string(i));
    }
}

TEST_F(AgentFixLife, WhatTwoKilledProcessesLeaveTheNextRunTakesBack) {
    orphan();
    EXPECT_NE(state(), before);
    ASSERT_EQ(journals().size(), 1U);
    struct stat s {};
    ASSERT_EQ(stat(journals()[0].c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 0777U, 0600U);
    EXPECT_EQ(fs::status(kFolder).permissions(), fs::perms::owner_all);
    auto link = agent();
    const auto must = refusal(*link, request({added("10.200.77.0/24", "10.240.0.21")}, 1000, "run2"));
    EXPECT_EQ(must.code, "journal");
    EXPECT_NE(must.text.find(journals()[0]), std::string::npos) << must.text;
    const auto recovered = ask<RecoverReply>(*link, Recover{});
    EXPECT_EQ(recovered.run, kRun);
    EXPECT_EQ(recovered.changes, many(6));
    ASSERT_EQ(recovered.outcomes.size(), 7U);
    for (const auto& o : recovered.outcomes) EXPECT_EQ(o.status, FixStatus::reverted) << o.reason;
    EXPECT_EQ(state(), before);
    EXPECT_EQ(ask<RecoverReply>(*link, Recover{}).run, "");
}

// Killed before the journal was whole: nothing was begun.
TEST_F(AgentFixLife, AJournalThatWasNotWrittenToItsEndIsCleared) {
    const auto part = agent::Place::here().folder.path_of("run0") + ".part";
    const auto leave = [&](bool file) {
        fs::create_directory(kFolder);
        if (file) std::ofstream(part) << "{";
    };
    auto link = agent();
    for (const bool file : {false, true}) {
        leave(file);
        EXPECT_EQ(ask<RecoverReply>(*link, Recover{}).run, "");
        EXPECT_FALSE(fs::exists(kFolder)) << file;
    }
    leave(true);
    applied(*link);
    EXPECT_EQ(ask<RevertReply>(*link, Revert{}).outcomes.size(), 7U);
    expect_as_before("where the next run did not ask first");
}

TEST_F(AgentFixLife, AJournalOfAnotherBootIsNotFollowed) {
    orphan();
    const auto path = journals()[0];
    auto journal = agent::JournalFolder::load(path);
    ASSERT_TRUE(journal) << journal.error().text;
    journal->boot = "00000000-0000-0000-0000-000000000000";
    std::ofstream(path) << agent::journal_to_json(*journal);
    const auto after = state();
    auto link = agent();
    const auto recovered = ask<RecoverReply>(*link, Recover{});
    EXPECT_EQ(recovered.run, kRun);
    for (const auto& o : recovered.outcomes) EXPECT_EQ(o.status, FixStatus::refused) << o.reason;
    EXPECT_EQ(state(), after);
}

TEST_F(AgentFixLife, ADamagedJournalIsNamedAndLeftAlone) {
    orphan();
    const auto path = journals()[0];
    const auto after = state();
    for (const std::string text : {"", "{", "[]", R"({"version":2,"run":"run1","changes":[]})",
                                   R"({"version":1,"run":"../x","changes":[]})"}) {
        std::ofstream(path, std::ios::trunc) << text;
        auto link = agent();
        const auto error = refusal(*link, Recover{});
        EXPECT_EQ(error.code, "journal");
        EXPECT_NE(error.text.find(path), std::string::npos) << error.text;
        EXPECT_TRUE(fs::exists(path));
        EXPECT_EQ(state(), after);
    }
    fs::remove(path);
    fs::create_symlink("/etc/passwd", path);
    auto link = agent();
    EXPECT_EQ(refusal(*link, Recover{}).code, "journal");
    fs::remove_all(kFolder);
}

TEST_F(AgentFixLife, ASecondFixerIsToldWhoIsAtWork) {
    auto first = agent();
    applied(*first);
    const auto who = holder();
    auto second = agent();
    for (const Request& r : {Request{request({added("10.200.9.0/24", "10.240.0.21")}, 1000, "run2")},
                             Request{Recover{}}, Request{request({}, 1000, kRun)}}) {
        const auto error = refusal(*second, r);
        EXPECT_EQ(error.code, "fixer-busy");
        EXPECT_EQ(error.text, "process " + std::to_string(who.pid) +
                                  " of run run1, started 2026-11-24T10:00:00Z, changes this host");
    }
    ask<KeepReply>(*first, Keep{});
    EXPECT_EQ(apply(*second, {added("10.200.9.0/24", "10.240.0.21")})[0].status, FixStatus::applied);
    ask<KeepReply>(*second, Keep{});
}

TEST_F(AgentFixLife, OfTwoAtOnceOneWins) {
    for (int i = 0; i < 6; ++i) {
        auto first = agent(), second = agent();
        const std::string prefix = "10.200." + std::to_string(i) + ".0/24";
        ASSERT_TRUE(first->send(encode(Request{request({added(prefix, "10.240.0.21")})}), soon()));
        ASSERT_TRUE(
            second->send(encode(Request{request({added(prefix, "10.240.0.22")}, 60'000, "run2")}), soon()));
        const auto one = first->receive(soon()), two = second->receive(soon());
        ASSERT_TRUE(one && two);
        const bool won = std::holds_alternative<ApplyReply>(*one);
        ASSERT_NE(won, std::holds_alternative<ApplyReply>(*two))
            << std::get<Refused>(*one).error.text << "; " << std::get<Refused>(*two).error.text;
        EXPECT_EQ(std::get<Refused>(won ? *two : *one).error.code, "fixer-busy");
        ask<KeepReply>(won ? *first : *second, Keep{});
        EXPECT_NE(run("ip route show " + prefix).find(won ? "10.240.0.21" : "10.240.0.22"),
                  std::string::npos);
    }
}

TEST_F(AgentFixLife, ANameHeldByAUserIsSaid) {
    std::array<int, 2> ready{};
    ASSERT_EQ(pipe(ready.data()), 0);
    const pid_t squatter = fork();
    if (squatter == 0) {
        const bool user = setuid(65534) == 0;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        const auto held = agent::hold_fixer();
        if (user && held && write(ready[1], "y", 1) == 1) pause();
        _exit(1);
    }
    char c = 0;
    EXPECT_EQ(read(ready[0], &c, 1), 1);
    auto link = agent();
    const auto error = refusal(*link, request({}));
    EXPECT_EQ(error.code, "fixer-busy");
    EXPECT_EQ(error.text,
              "process " + std::to_string(squatter) + " of user 65534 holds the name of the fixer");
    kill(squatter, SIGKILL);
    waitpid(squatter, nullptr, 0);
    close(ready[0]), close(ready[1]);
}

TEST_F(AgentFixLife, WithoutAPlaceForTheJournalNothingIsChanged) {
    const auto refused = [&](const std::string& why) {
        auto link = agent();
        const auto error = refusal(*link, request(many(6)));
        EXPECT_EQ(error.code, "journal") << error.text;
        EXPECT_NE(error.text.find(why), std::string::npos) << error.text;
        EXPECT_EQ(state(), before);
        EXPECT_EQ(holder().pid, 0);
    };
    ASSERT_EQ(mount("tmpfs", "/run", "tmpfs", 0, "size=16k"), 0);
    std::ofstream("/run/filler") << std::string(1 << 20, 'x');
    refused("No space left on device");
    ASSERT_EQ(mount("none", "/run", nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    refused("Read-only file system");
    ASSERT_EQ(umount2("/run", MNT_DETACH), 0);
    fs::create_directory(kFolder);
    ASSERT_EQ(chown(kFolder, 65534, 0), 0);
    refused("not a directory of root alone");
    fs::remove(kFolder);
    fs::create_directory_symlink("/tmp", kFolder);
    refused(kFolder);
    fs::remove(kFolder);
    std::ofstream{kFolder};
    refused(kFolder);
    fs::remove(kFolder);
}

TEST_F(AgentFixLife, AJournalThatCannotBeRemovedMeansNoKeep) {
    auto link = agent();
    applied(*link);
    ASSERT_EQ(mount("none", "/run", nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    EXPECT_EQ(refusal(*link, Keep{}).code, "journal");
    EXPECT_EQ(state(), before);
    ASSERT_EQ(mount("none", "/run", nullptr, MS_REMOUNT, nullptr), 0);
    EXPECT_EQ(ask<RecoverReply>(*link, Recover{}).run, kRun);
    EXPECT_EQ(state(), before);
}

TEST_F(AgentFixLife, OnlyRootChangesAHost) {
    auto link = agent({}, {{}, 65534});
    EXPECT_EQ(refusal(*link, request({})).code, "no-privilege");
    EXPECT_EQ(refusal(*link, Recover{}).code, "no-privilege");
}

TEST_F(AgentFixLife, ARunThatIsNoNameIsRefused) {
    auto link = agent();
    for (const std::string run : {"", "../x", "a b", ".hidden", "a/b", "a\nb", "$(x)", "%n"})
        EXPECT_EQ(refusal(*link, request({}, 1000, run)).code, "bad-message") << run;
    EXPECT_EQ(refusal(*link, Apply{"run1", "now; reboot", {}, 1000}).code, "bad-message");
    EXPECT_EQ(holder().pid, 0);
}

}  // namespace
}  // namespace podroute
