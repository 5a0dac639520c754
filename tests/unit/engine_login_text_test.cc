// Commands in reports are those of the user that podroute was logged in as, and can be pasted.
#include <gtest/gtest.h>

#include "engine/judge.h"
#include "engine/login_text.h"

namespace podroute {
namespace {

constexpr auto kCommand = "ssh root@node-0 ip route add 10.200.1.0/24 via 10.240.0.21";

Snapshot logged_in(const std::string& user, Login login = {}, std::uint32_t uid = 0) {
    Snapshot snapshot;
    snapshot.inventory =
        *parse_machines_txt("10.240.0.10 s.k server\n10.240.0.20 n.k node-0 10.200.0.0/24\n", "m");
    snapshot.policy.login = std::move(login);
    HostFacts facts;
    facts.login_user = user;
    facts.uid = uid;
    snapshot.hosts["node-0"] = facts;
    return snapshot;
}

TEST(LoginText, RootNeedsNothing) {
    EXPECT_EQ(as_logged_in(kCommand, logged_in("")), kCommand);
    EXPECT_EQ(as_logged_in(kCommand, logged_in("root")), kCommand);
    EXPECT_EQ(as_logged_in(kCommand, logged_in("root", {"root", 22, true})), kCommand);
}

TEST(LoginText, AnotherUserGoesBySudo) {
    EXPECT_EQ(as_logged_in(kCommand, logged_in("bob", {"bob", 0, true})),
              "ssh bob@node-0 sudo ip route add 10.200.1.0/24 via 10.240.0.21");
    EXPECT_EQ(as_logged_in("ssh root@node-0 sysctl -w net.ipv4.ip_forward=1",
                           logged_in("bob", {"bob", 2222, true})),
              "ssh -p 2222 bob@node-0 sudo sysctl -w net.ipv4.ip_forward=1");
    EXPECT_EQ(as_logged_in(kCommand, logged_in("bob", {"bob", 0, false}, 1000)),
              "ssh -t bob@node-0 sudo ip route add 10.200.1.0/24 via 10.240.0.21")
        << "nothing says that sudo asks for no password";
    EXPECT_EQ(as_logged_in(kCommand, logged_in("toor")),
              "ssh toor@node-0 ip route add 10.200.1.0/24 via 10.240.0.21");
}

TEST(LoginText, TheUserOfSshConfigCountsForItsHostAndTheAskedOneForThoseThatWereNotRead) {
    const auto snapshot = logged_in("ubuntu", {"", 0, true}, 0);
    EXPECT_EQ(as_logged_in("ssh root@node-0 ip neigh show", snapshot),
              "ssh ubuntu@node-0 sudo ip neigh show");
    EXPECT_EQ(as_logged_in("ssh root@server ip neigh show", snapshot), "ssh root@server ip neigh show");
    EXPECT_EQ(as_logged_in("ssh root@server ip neigh show", logged_in("bob", {"bob", 0, true})),
              "ssh bob@server sudo ip neigh show");
}

TEST(LoginText, WhatIsNoCommandOnAHostStaysAsItIs) {
    const auto snapshot = logged_in("bob", {"bob", 0, true});
    for (const std::string text : {"", "ssh-keygen -R node-0", "ssh root@elsewhere true", "ssh root@node-0",
                                   "ssh bob@node-0 -v true", "podroute verify --user ubuntu --sudo"})
        EXPECT_EQ(as_logged_in(text, snapshot), text);
}

TEST(LoginText, WhatAShellWouldRunIsNeverPrinted) {
    for (const std::string bad : {";", "|", "&", "$(id)", "`id`", ">x", "<x", "\n", "'", "\"", "\\", "*", "?",
                                  "(", "{a,b}", "!", "~", "\t", "\x1b"})
        EXPECT_EQ(as_logged_in("ssh root@node-0 ip address del 10.200.1.1/26 dev a" + bad, logged_in("")), "")
            << bad;
}

TEST(LoginText, AHostileSnapshotHasNoUserThatIsAnOption) {
    for (const std::string& user :
         std::vector<std::string>{"-oProxyCommand=id", "a;id", "a b", std::string(100, 'a')}) {
        EXPECT_EQ(as_logged_in(kCommand, logged_in(user, {user, 0, false})), kCommand) << user;
    }
}

TEST(LoginText, TheJudgeWritesEveryCommandSo) {
    Snapshot snapshot = logged_in("bob", {"bob", 0, true});
    Fix fix;
    fix.host = "node-0";
    fix.command = kCommand;
    snapshot.fixes = {fix};
    const auto put_forward = [](const Snapshot&, const Expected&, const ProbeFacts&) {
        Cause cause;
        cause.code = "route-missing";
        cause.host = "node-0";
        cause.commands = {"ssh root@node-0 ip route del 10.200.1.0/24 dev a;id", kCommand};
        Verdict verdict;
        verdict.host = "node-0";
        verdict.status = Status::fail;
        verdict.causes = {cause};
        return std::vector<Verdict>{verdict};
    };
    const Check check{"route-present", Layer::routes, true, put_forward};
    const Report report = judge(snapshot, {&check, 1});
    const std::string wanted = "ssh bob@node-0 sudo ip route add 10.200.1.0/24 via 10.240.0.21";
    ASSERT_EQ(report.diagnoses.size(), 1U);
    EXPECT_EQ(report.diagnoses[0].cause.commands, std::vector<std::string>{wanted});
    ASSERT_EQ(report.fixes.size(), 1U);
    EXPECT_EQ(report.fixes[0].command, wanted);
}

}  // namespace
}  // namespace podroute
