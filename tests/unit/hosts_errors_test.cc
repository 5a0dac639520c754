// Every failure of reaching a host has its code, and the command that helps is exact.
#include <gtest/gtest.h>

#include <cerrno>

#include "hosts/ssh_errors.h"

namespace podroute {
namespace {

const LoginTarget kNode{"node-1", "10.240.0.21", "root", 22, false};
const LoginTarget kOtherPort{"node-1", "10.240.0.21", "bob", 2222, false};

TEST(SshErrors, ATcpFailureIsUnreachable) {
    const auto timeout = connect_failed(kNode, 0);
    EXPECT_EQ(timeout.code, "host-unreachable");
    EXPECT_EQ(timeout.why, "no TCP connection to 10.240.0.21 port 22: no answer");
    EXPECT_EQ(timeout.help, "ip route get 10.240.0.21; ping -c 3 10.240.0.21");
    const auto refused = connect_failed(kNode, ECONNREFUSED);
    EXPECT_NE(refused.why.find("on its console: systemctl start ssh"), std::string::npos) << refused.why;
    EXPECT_EQ(refused.help, "ssh root@node-1 -v true");
    EXPECT_EQ(name_unresolved(kNode, "x").code, "host-unreachable");
}

TEST(SshErrors, ARefusedLoginSaysHowToBringTheKeyThere) {
    const auto u = auth_failed(kOtherPort, "publickey, password");
    EXPECT_EQ(u.code, "ssh-auth-failed");
    EXPECT_NE(u.why.find("publickey, password"), std::string::npos);
    EXPECT_EQ(u.help, "ssh-copy-id -p 2222 bob@node-1");
}

TEST(SshErrors, AnUnknownKeyIsFetchedByAddressAndComparedOnTheHost) {
    const auto u = host_key_unknown(kNode, "SHA256:abc", "ed25519", {"node-1", ""});
    EXPECT_EQ(u.code, "ssh-host-key-unknown");
    EXPECT_EQ(u.help, "ssh-keyscan -t ed25519 10.240.0.21 >> ~/.ssh/known_hosts");
    EXPECT_NE(u.why.find("SHA256:abc"), std::string::npos);
    EXPECT_NE(u.why.find("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"), std::string::npos);
    EXPECT_EQ(host_key_unknown(kOtherPort, "f", "rsa", {"[node-1]:2222", "/x y/known"}).help,
              "ssh-keyscan -p 2222 -t rsa 10.240.0.21 >> '/x y/known'");
    auto behind = kNode;
    behind.proxied = true;
    EXPECT_EQ(host_key_unknown(behind, "f", "rsa", {"node-1", ""}).help,
              "podroute verify --host-key-check accept-new");
}

TEST(SshErrors, AChangedKeyIsForgottenInTheRightFile) {
    EXPECT_EQ(host_key_mismatch(kNode, "f", {{"node-1", ""}}).help, "ssh-keygen -R node-1");
    EXPECT_EQ(
        host_key_mismatch(kNode, "f", {{"node-1", ""}, {"10.240.0.21", "/etc/ssh/ssh_known_hosts"}}).help,
        "ssh-keygen -R node-1; ssh-keygen -f /etc/ssh/ssh_known_hosts -R 10.240.0.21");
    const auto u = host_key_mismatch(kOtherPort, "f", {{"[node-1]:2222", "kh"}});
    EXPECT_EQ(u.code, "ssh-host-key-mismatch");
    EXPECT_EQ(u.help, "ssh-keygen -f kh -R '[node-1]:2222'");
}

TEST(SshErrors, ARevokedKeyIsReplacedOnTheHostAndNotByACommandOfTheJumpbox) {
    const auto u = host_key_revoked(kNode, "f", "ed25519");
    EXPECT_EQ(u.code, "ssh-host-key-mismatch");
    EXPECT_NE(
        u.why.find("on its console: rm /etc/ssh/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key.pub; "
                   "ssh-keygen -A; systemctl restart ssh"),
        std::string::npos)
        << u.why;
    EXPECT_EQ(u.help, "");
}

TEST(SshErrors, ACloudImagesRefusalNamesTheUser) {
    const auto user =
        login_as_other_user("\nPlease login as the user \"ubuntu\" rather than the user \"root\".\n\n");
    EXPECT_EQ(user, "ubuntu");
    const auto u = wrong_user(kNode, user);
    EXPECT_EQ(u.code, "ssh-auth-failed");
    EXPECT_EQ(u.help, "podroute verify --user ubuntu --sudo");
    for (const auto* text :
         {"", "Please login as the user \"\"", "Please login as the user \"-oProxyCommand=x\"",
          "Please login as the user \"a b\"", "Please login as the user \"$(x)\""})
        EXPECT_EQ(login_as_other_user(text), "") << text;
}

TEST(SshErrors, WhatAHostSaysCannotReachTheTerminal) {
    const auto u = session_failed(kNode, "bad\x1b[2Jbanner\r\n");
    EXPECT_EQ(u.code, "ssh-failed");
    for (const char c : u.why) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
    EXPECT_LE(session_failed(kNode, std::string(100'000, 'x')).why.size(), 400U);
}

TEST(SshErrors, AProxyThatCannotConnectMeansUnreachable) {
    EXPECT_TRUE(proxy_says_unreachable("channel 0: open failed: connect failed: No route to host\r\n"));
    EXPECT_FALSE(proxy_says_unreachable("root@jump: Permission denied (publickey)."));
    EXPECT_EQ(proxy_failed(kNode, "x").code, "host-unreachable");
}

TEST(SshErrors, AJumpHostThatCannotBeReachedIsNoWordAboutTheHost) {
    for (const auto* said :
         {"ssh: connect to host 10.240.0.99 port 22: No route to host",
          "ssh: connect to host bastion port 22: Connection timed out",
          "Connection timed out during banner exchange\r\nConnection to 10.240.0.99 port 22 "
          "timed out"})
        EXPECT_FALSE(proxy_says_unreachable(said)) << said;
    auto behind = kNode;
    behind.proxied = true;
    const auto u = proxy_useless(behind, "ended with status 127", "sh: 1: exec: nc: not found\n");
    EXPECT_EQ(u.code, "ssh-failed");
    EXPECT_EQ(
        u.why,
        "no connection to 10.240.0.21 port 22: the proxy ended with status 127 and said: sh: 1: exec: nc: "
        "not found");
    EXPECT_EQ(session_failed(behind, "x").why,
              "connected to 10.240.0.21 port 22 through the proxy, but no SSH session: x");
}

TEST(SshErrors, WordsAreQuotedForTheShell) {
    EXPECT_EQ(shell_quoted("/etc/a-b_c.1"), "/etc/a-b_c.1");
    EXPECT_EQ(shell_quoted("a'b c"), "'a'\\''b c'");
    EXPECT_EQ(shell_quoted(""), "''");
}

}  // namespace
}  // namespace podroute
