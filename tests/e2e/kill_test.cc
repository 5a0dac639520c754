// A run of --fix that loses its controller, its agent or its link at any moment: the host can be reached, and
// is as it was before or as it is after the whole fix.
#include <fmt/format.h>

#include <csignal>
#include <random>
#include <thread>

#include "tests/e2e/kill_lab.h"

namespace podroute::lab {
namespace {

class FixKill : public KillLab {
  protected:
    struct Moment {
        std::uint64_t sent = 0, after = 0;
        std::string words(const std::string& kill) const {
            return fmt::format("--kill {} --sent {} --after {} --count /root/killed", kill, sent, after);
        }
    };

    static bool forwards() { return node("cat /proc/sys/net/ipv4/ip_forward").output == "1\n"; }

    // The beginning of a turn: a request has been sent, or an answer has been read.
    Moment boundary(std::size_t turn) const {
        const Turn& before = turns_.at(turn - 1);
        return before.up ? Moment{before.sent + before.size, 0} : Moment{before.sent, before.size};
    }
    Moment inside(std::size_t turn, std::uint64_t offset) const {
        const Turn& t = turns_.at(turn);
        return t.up ? Moment{t.sent + offset, 0} : Moment{t.sent, offset};
    }
    // All boundaries behind the upload, and ten moments inside of the messages from Apply to the answer to
    // Keep, each in another message or at another place.
    std::vector<Moment> moments() const {
        std::vector<Moment> found;
        for (std::size_t i = 1; i < turns_.size(); ++i) found.push_back(boundary(i));
        std::mt19937 random(6);
        for (std::size_t i = 0; i < 10; ++i) {
            const std::size_t turn = apply_ + i % 6;
            if (turns_[turn].size > 1) found.push_back(inside(turn, 1 + random() % (turns_[turn].size - 1)));
        }
        return found;
    }

    // What the report says must be what is.
    void hold(const FixRun& run, bool kept) {
        const bool killed = run.exit_code == 128 + SIGKILL;
        ASSERT_TRUE(run.report.is_object());
        if (killed) {
            EXPECT_EQ(run.report["run"]["verdict"], "aborted") << "a run that is killed leaves red";
            for (const auto& status : run.statuses()) EXPECT_EQ(status, "planned");
            EXPECT_TRUE(!kept || run.statuses().size() == 2) << "and word of what it may have done";
            return;
        }
        EXPECT_NE(run.report["run"]["verdict"], "aborted");
        const auto statuses = run.statuses(), reasons = run.reasons();
        if (statuses.empty()) {
            EXPECT_FALSE(kept) << "nothing was changed, says the report";
        }
        for (std::size_t i = 0; i < statuses.size(); ++i) {
            // Where the answer to Keep was lost nobody can know, and the report says so.
            const bool open =
                statuses[i] == "failed" && reasons[i].find("has kept it, or") != std::string::npos;
            if (!open) {
                EXPECT_EQ(statuses[i] == "applied", kept) << statuses[i] << ": " << reasons[i];
            }
        }
    }

    void kill_at_every_moment(const std::string& kill) {
        int kept = 0, taken_back = 0, too_late = 0;
        for (const Moment& moment : moments()) {
            const std::string words = moment.words(kill);
            SCOPED_TRACE(words);
            break_node();
            ASSERT_TRUE(eventually([&] { return state() == before_; })) << differences_of(before_, state());
            jumpbox("rm -f killed");
            const auto run = fix(words);
            const bool acted = jumpbox(counted("killed") + "grep -q kill killed").exit_code == 0;
            too_late += acted ? 0 : 1;
            EXPECT_EQ(run.exit_code == 128 + SIGKILL, acted && kill == "controller");
            EXPECT_TRUE(reachable());
            const Lines now = settled();
            ASSERT_TRUE(now == before_ || now == after_)
                << "against before:\n"
                << differences_of(before_, now) << "\nagainst after:\n"
                << differences_of(after_, now) << "\n"
                << run.report;
            ++(now == after_ ? kept : taken_back);
            hold(run, now == after_);
        }
        RecordProperty("kept", kept);
        RecordProperty("taken_back", taken_back);
        RecordProperty("too_late", too_late);
        // Bye, its answer, and three more turns that close the channel.
        EXPECT_LE(too_late, 5) << "the agent may have ended when the last bytes pass";
        EXPECT_GT(kept, 0) << "no moment was late enough";
        EXPECT_GT(taken_back, 0) << "no moment was early enough";
    }
};

TEST_F(FixKill, TheControllerAtEveryMoment) {
    kill_at_every_moment("controller");
}

TEST_F(FixKill, TheAgentAtEveryMoment) {
    kill_at_every_moment("agent");
}

TEST_F(FixKill, TheLinkAtEveryMoment) {
    kill_at_every_moment("link");
}

// Killed right behind Keep: nobody but its report knows what it did, and that is enough to take it back.
TEST_F(FixKill, UndoTakesBackWhatAKilledRunKept) {
    const auto killed = fix(boundary(apply_ + 5).words("controller"));
    ASSERT_EQ(killed.exit_code, 128 + SIGKILL) << killed.errors;
    expect_settled(after_);
    hold(killed, true);
    const auto undone = jumpbox(std::string(PODROUTE) + " undo /root/fix.json");
    EXPECT_EQ(undone.exit_code, 0) << undone.output << undone.errors;
    EXPECT_NE(undone.output.find("the run was killed before it said that it kept this"), std::string::npos)
        << undone.output;
    expect_settled(before_);
    // Of what it never did there is nothing to take back.
    EXPECT_EQ(jumpbox(std::string(PODROUTE) + " undo /root/fix.json").exit_code, 0);
    expect_settled(before_);
}

// The changes are made, and no word comes any more, while the connection stays: the host has only its clock.
// Another controller is told who is at work.
TEST_F(FixKill, ASilentLinkAndASecondController) {
    FixRun silent;
    std::thread first([&] { silent = fix(boundary(apply_ + 2).words("link-silent"), "silent"); });
    EXPECT_TRUE(eventually([] { return forwards(); }));
    // What is to be fixed; the host that finds it gone when its time is over has less to take back.
    node("ip route del 10.200.1.0/24");
    const auto second = fix({}, "second");
    first.join();
    hold(silent, false);
    EXPECT_EQ(second.exit_code, 1) << second.report;
    EXPECT_FALSE(second.reasons().empty());
    for (const auto& reason : second.reasons()) {
        const std::string who = fmt::format(" of run {}, started {}, changes this host",
                                            silent.report["run"]["id"].get<std::string>(),
                                            silent.report["run"]["started"].get<std::string>());
        EXPECT_NE(reason.find(who), std::string::npos) << reason;
        EXPECT_NE(reason.find("process "), std::string::npos) << reason;
    }
    for (const auto& status : second.statuses()) EXPECT_EQ(status, "refused");
    EXPECT_TRUE(eventually([] { return !forwards(); }));
    EXPECT_EQ(node("pgrep -x agent >/dev/null || pgrep -f '[n]otty' >/dev/null").exit_code, 0)
        << "by itself, not because the connection ended";
    EXPECT_TRUE(reachable());
    expect_settled(before_);
    EXPECT_EQ(fix().exit_code, 0);
    expect_settled(after_);
}

// What a run sees while another may still take its changes back proves nothing, though nothing is left to
// fix.
TEST_F(FixKill, ASecondRunThatFindsNothingToFixProvesNothing) {
    FixRun silent;
    std::thread first([&] { silent = fix(boundary(apply_ + 2).words("link-silent"), "silent"); });
    EXPECT_TRUE(eventually([] { return forwards() && !node("ip route show 10.200.1.0/24").output.empty(); }));
    const auto second = fix({}, "second");
    first.join();
    hold(silent, false);
    EXPECT_EQ(second.exit_code, 3) << second.report;
    EXPECT_TRUE(second.statuses().empty()) << second.report["fixes"];
    ASSERT_TRUE(second.report.is_object());
    EXPECT_EQ(second.report["run"]["verdict"], "unknown");
    const auto& checks = second.report["checks"];
    const auto access = std::find_if(checks.begin(), checks.end(), [](const auto& check) {
        return check["code"] == "host-access" && check["host"] == "node-0";
    });
    ASSERT_NE(access, checks.end());
    EXPECT_EQ((*access)["status"], "unknown");
    EXPECT_NE((*access)["message"].template get<std::string>().find(
                  " of run " + silent.report["run"]["id"].template get<std::string>()),
              std::string::npos)
        << *access;
    EXPECT_TRUE(eventually([] { return !forwards(); }));
    expect_settled(before_);
}

// Nobody on the host is left to take back what was done; the next run does, before anything else.
TEST_F(FixKill, WhatAKilledAgentAndWatchdogLeaveTheNextRunFinishes) {
    std::thread first([&] { fix(boundary(apply_ + 2).words("link-silent"), "silent"); });
    EXPECT_TRUE(eventually([] { return forwards(); }));
    // The session goes as well: the relay would hold it for a minute.
    const auto killed = node(
        "agent=$(pgrep -x agent) && kill -STOP $agent && kill -KILL $(pgrep -x podroute-fixer) $agent && "
        "kill -KILL $(pgrep -f '[n]otty')");
    first.join();
    ASSERT_EQ(killed.exit_code, 0) << killed.errors;
    EXPECT_TRUE(forwards());
    const auto next = fix({}, "next");
    EXPECT_EQ(next.exit_code, 0) << next.report;
    EXPECT_EQ(next.statuses(), (std::vector<std::string>{"reverted", "reverted", "applied", "applied"}))
        << next.report;
    EXPECT_TRUE(reachable());
    expect_settled(after_);
}

}  // namespace
}  // namespace podroute::lab
