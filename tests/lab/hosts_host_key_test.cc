// Host keys: nothing is sent to a host whose key is not the known one, and the help makes it known.
#include <algorithm>
#include <filesystem>
#include <tuple>

#include "tests/lab/hosts_sshd.h"

namespace podroute {
namespace {

class HostKey : public SshdTest {
  protected:
    Observed<HostFacts> reach(HostKeyCheck check = HostKeyCheck::strict) {
        auto o = options();
        o.host_key_check = check;
        o.known_hosts = directory_ / "known_hosts";
        return observe_all(o).at("node-0");
    }
    bool authenticated() const { return read("node-0_log").find("publickey") != std::string::npos; }
};

TEST_F(HostKey, AnUnknownOneStopsTheLoginAndTheHelpMakesItKnown) {
    start({.known = false});
    const auto first = reach();
    ASSERT_FALSE(first.known());
    EXPECT_EQ(first.unknown().code, "ssh-host-key-unknown");
    EXPECT_NE(first.unknown().why.find("SHA256:"), std::string::npos);
    EXPECT_FALSE(authenticated()) << "the key is checked before anything is signed";
    EXPECT_EQ(read("known_hosts"), "") << "strict never writes";
    ASSERT_EQ(shell(first.unknown().help + " 2>/dev/null"), 0) << first.unknown().help;
    const auto second = reach();
    EXPECT_TRUE(second.known()) << second.unknown().why;
}

TEST_F(HostKey, AcceptNewRecordsItUnderTheName) {
    const auto& host = start({.known = false});
    EXPECT_TRUE(reach(HostKeyCheck::accept_new).known());
    EXPECT_EQ(read("known_hosts"), "node-0 " + key_line(host) + "\n");
    EXPECT_TRUE(reach().known());
}

TEST_F(HostKey, AcceptNewRecordsItWhereSshLooksItUp) {
    start({.known = false});
    write("config", read("config") + "Host node-0\n  HostName 10.240.0.20\n");
    EXPECT_TRUE(reach(HostKeyCheck::accept_new).known());
    EXPECT_EQ(shell("ssh -F config -o BatchMode=yes root@node-0 true"), 0) << read("known_hosts");
}

TEST_F(HostKey, AChangedOneIsNeverAcceptedAndTheHelpForgetsIt) {
    start({.known = false});
    ASSERT_EQ(shell("ssh-keygen -q -t ed25519 -N '' -f old"), 0);
    ASSERT_EQ(shell("echo node-0 $(cut -d' ' -f1,2 old.pub) > known_hosts"), 0);
    const auto before = read("known_hosts");
    for (const auto check : {HostKeyCheck::strict, HostKeyCheck::accept_new}) {
        const auto facts = reach(check);
        ASSERT_FALSE(facts.known());
        EXPECT_EQ(facts.unknown().code, "ssh-host-key-mismatch");
        EXPECT_EQ(read("known_hosts"), before);
        EXPECT_FALSE(authenticated());
    }
    ASSERT_EQ(shell(reach().unknown().help + " >/dev/null 2>&1"), 0);
    EXPECT_EQ(reach().unknown().code, "ssh-host-key-unknown");
}

TEST_F(HostKey, ARevokedOneIsAMismatchAlsoWhereItIsKnown) {
    const auto& host = start();
    write("known_hosts", read("known_hosts") + "@revoked * " + key_line(host) + "\n");
    for (const auto check : {HostKeyCheck::strict, HostKeyCheck::accept_new})
        EXPECT_EQ(reach(check).unknown().code, "ssh-host-key-mismatch");
    EXPECT_FALSE(authenticated());
    EXPECT_NE(reach().unknown().why.find("rm /etc/ssh/ssh_host_ed25519_key "), std::string::npos);
}

TEST_F(HostKey, ItIsFoundUnderNameFqdnAndAddressPlainAndHashed) {
    const auto& host = start();
    for (const auto& name : {std::string("node-0"), std::string("node-0.kubernetes.local"), host.address}) {
        write("known_hosts", name + " " + key_line(host) + "\n");
        const auto plain = reach();
        EXPECT_TRUE(plain.known()) << name << ": " << plain.unknown().why;
        ASSERT_EQ(shell("ssh-keygen -q -H -f known_hosts >/dev/null 2>&1"), 0);
        EXPECT_EQ(read("known_hosts").rfind("|1|", 0), 0U);
        EXPECT_TRUE(reach().known()) << name << ", hashed";
    }
}

TEST_F(HostKey, TheTypeThatIsRecordedIsAskedFor) {
    // The host has both types; by itself ed25519 would be chosen.
    ASSERT_EQ(shell("ssh-keygen -q -t ecdsa -N '' -f second"), 0);
    start({.sshd_config = "HostKey /mnt/second", .known = false});
    ASSERT_EQ(shell("echo node-0 $(cut -d' ' -f1,2 second.pub) > known_hosts"), 0);
    const auto facts = reach();
    EXPECT_TRUE(facts.known()) << facts.unknown().why;
}

TEST_F(HostKey, ATypeThatTheHostNoLongerHasIsAMismatch) {
    start({.known = false});
    ASSERT_EQ(shell("ssh-keygen -q -t ecdsa -N '' -f second"), 0);
    ASSERT_EQ(shell("echo node-0 $(cut -d' ' -f1,2 second.pub) > known_hosts"), 0);
    EXPECT_EQ(reach(HostKeyCheck::accept_new).unknown().code, "ssh-host-key-mismatch");
}

TEST_F(HostKey, OneHelpForgetsAChangedOneUnderAllItsNames) {
    start({.known = false});
    ASSERT_EQ(shell("ssh-keygen -q -t ed25519 -N '' -f old; ssh-keygen -q -t ed25519 -N '' -f other"), 0);
    const std::string others = "echo node-9 $(cut -d' ' -f1,2 other.pub); ";
    const std::string each =
        "for n in node-0 node-0.kubernetes.local 10.240.0.20; do echo $n $(cut -d' ' -f1,2 "
        "old.pub); done";
    const std::string together = "echo node-0,node-0.kubernetes.local,10.240.0.20 $(cut -d' ' -f1,2 old.pub)";
    for (const auto& [lines, hashed, commands] :
         {std::tuple{each, false, 3}, std::tuple{each, true, 3}, std::tuple{together, false, 1}}) {
        ASSERT_EQ(shell("( " + others + lines + " ) > known_hosts"), 0);
        if (hashed) {
            ASSERT_EQ(shell("ssh-keygen -q -H -f known_hosts >/dev/null 2>&1"), 0);
        }
        const auto changed = reach();
        ASSERT_FALSE(changed.known());
        EXPECT_EQ(changed.unknown().code, "ssh-host-key-mismatch");
        const auto& help = changed.unknown().help;
        EXPECT_EQ(std::count(help.begin(), help.end(), ';'), commands - 1) << help;
        ASSERT_EQ(shell("( set -e; " + help + " ) >/dev/null 2>&1"), 0) << help;
        EXPECT_EQ(reach().unknown().code, "ssh-host-key-unknown") << help;
        EXPECT_EQ(shell("test $(wc -l < known_hosts) = 1"), 0) << "the keys of others stay";
    }
}

TEST_F(HostKey, TheNameThatSshLooksItUpByComesFirst) {
    const auto& host = start({.known = false});
    write("config", read("config") + "Host node-0\n  HostName 10.240.0.20\n");
    ASSERT_EQ(shell("ssh-keygen -q -t ed25519 -N '' -f old"), 0);
    ASSERT_EQ(shell("echo node-0 $(cut -d' ' -f1,2 old.pub) > known_hosts"), 0);
    write("known_hosts", read("known_hosts") + "10.240.0.20 " + key_line(host) + "\n");
    ASSERT_EQ(shell("ssh -F config -o BatchMode=yes root@node-0 true"), 0) << "ssh logs in";
    const auto facts = reach();
    EXPECT_TRUE(facts.known()) << facts.unknown().why;
}

}  // namespace
}  // namespace podroute
