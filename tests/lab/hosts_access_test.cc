// Reaching real sshds, and every way in which it fails: the code, the words and the command that helps.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/lab/hosts_sshd.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;

class Access : public SshdTest {
  protected:
    // What the only host, or the last one, came to.
    Unknown failure(const SshOptions& options) {
        const auto facts = observe_all(options);
        const auto& last = facts.at(inventory_.hosts.back().name);
        EXPECT_FALSE(last.known());
        return last.known() ? Unknown{} : last.unknown();
    }
    Unknown failure() { return failure(options()); }
};

// A listener on a host's address and port 22 that serves each connection by `serve` in turn.
class Impostor {
  public:
    Impostor(const std::string& address, const std::function<void(int)>& serve, int backlog = 16) {
        fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        at_.sin_family = AF_INET;
        at_.sin_port = htons(22);
        inet_pton(AF_INET, address.c_str(), &at_.sin_addr);
        EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&at_), sizeof at_), 0);
        EXPECT_EQ(listen(fd_, backlog), 0);
        if (!serve) return;
        thread_ = std::jthread([this, serve](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                const int client = accept(fd_, nullptr, nullptr);
                if (client < 0) return;
                serve(client);
                close(client);
            }
        });
    }
    ~Impostor() {
        thread_.request_stop();
        shutdown(fd_, SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
        close(fd_);
    }
    const sockaddr_in& at() const { return at_; }

  private:
    int fd_ = -1;
    sockaddr_in at_{};
    std::jthread thread_;
};

TEST_F(Access, HealthyHostsAreReadAndNothingIsLeft) {
    for (int i = 0; i < 3; ++i) start();
    const auto facts = observe_all();
    ASSERT_EQ(facts.size(), 3U);
    for (const auto& [name, f] : facts) {
        ASSERT_TRUE(f.known()) << f.unknown().why;
        EXPECT_EQ(f->uid, 0U);
        EXPECT_FALSE(f->links->empty());
    }
    for (const auto& [name, host] : hosts_) EXPECT_EQ(leftovers(host), std::vector<std::string>{});
}

TEST_F(Access, AClosedPortIsUnreachableAndTheOthersGoOn) {
    start();
    add_silent();
    const auto facts = observe_all();
    EXPECT_TRUE(facts.at("node-0").known());
    EXPECT_EQ(facts.at("node-1").unknown().code, "host-unreachable");
    EXPECT_NE(facts.at("node-1").unknown().why.find("Connection refused"), std::string::npos);
    EXPECT_NE(facts.at("node-1").unknown().why.find("systemctl start ssh"), std::string::npos);
    EXPECT_EQ(facts.at("node-1").unknown().help, "ssh root@node-1 -v true");
}

TEST_F(Access, AHostNameWithoutAddressIsUnreachable) {
    add_silent();
    // Nobody answers DNS in this namespace; the name is one that never exists (RFC 6761).
    write("config", read("config") + "Host node-0\n  HostName node-0.invalid\n");
    auto o = options();
    o.connect_timeout = std::chrono::milliseconds(700);
    const auto start_time = Clock::now();
    const auto unknown = failure(o);
    EXPECT_LT(Clock::now() - start_time, std::chrono::seconds(2));
    EXPECT_EQ(unknown.code, "host-unreachable");
    EXPECT_EQ(unknown.help, "getent hosts node-0.invalid");
}

TEST_F(Access, AHostThatNeverAnswersCostsOneConnectTimeout) {
    // A full queue of connections: the kernel drops what comes on top, as a filter would.
    const Impostor full(add_silent().address, {}, 0);
    std::vector<int> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        static_cast<void>(
            connect(waiting.back(), reinterpret_cast<const sockaddr*>(&full.at()), sizeof(sockaddr_in)));
    }
    auto o = options();
    o.connect_timeout = std::chrono::milliseconds(700);
    const auto start_time = Clock::now();
    const auto unknown = failure(o);
    EXPECT_LT(Clock::now() - start_time, std::chrono::seconds(2));
    EXPECT_EQ(unknown.code, "host-unreachable");
    EXPECT_NE(unknown.why.find("no answer"), std::string::npos);
    for (const int fd : waiting) close(fd);
}

TEST_F(Access, WhatIsNoSshServerFailsWithItsWords) {
    const auto say = [](const std::string& text) {
        return [text](int fd) { static_cast<void>(send(fd, text.data(), text.size(), MSG_NOSIGNAL)); };
    };
    const Impostor closes(add_silent().address, say(""));
    const Impostor refuses(add_silent().address, say("Exceeded MaxStartups\r\n"));
    const Impostor garbage(add_silent().address,
                           say("HTTP/1.1 400 Bad\x1b[2J Request\r\n\r\n" + std::string(9000, 'x')));
    for (const auto& [name, f] : observe_all()) {
        ASSERT_FALSE(f.known());
        EXPECT_EQ(f.unknown().code, "ssh-failed") << name << ": " << f.unknown().why;
        EXPECT_EQ(f.unknown().why.find('\x1b'), std::string::npos);
        EXPECT_EQ(f.unknown().help, "ssh root@" + name + " -v true");
    }
}

TEST_F(Access, HostsThatStallOrDripAreBounded) {
    std::atomic<bool> over = false;
    const Impostor stalls(add_silent().address, [&](int) {
        while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    });
    const Impostor drips(add_silent().address, [&](int fd) {
        // A packet now and then starts many a timeout anew.
        static_cast<void>(send(fd, "SSH-2.0-drip\r\n", 14, MSG_NOSIGNAL));
        while (!over && send(fd, "\0", 1, MSG_NOSIGNAL) == 1)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
    });
    auto o = options();
    o.connect_timeout = std::chrono::milliseconds(700);
    const auto start_time = Clock::now();
    const auto facts = observe_all(o);
    EXPECT_LT(Clock::now() - start_time, std::chrono::seconds(3));
    over = true;
    for (const auto& [name, f] : facts) EXPECT_EQ(f.unknown().code, "ssh-failed") << name;
}

TEST_F(Access, AWrongKeyIsRefused) {
    start();
    ASSERT_EQ(shell("ssh-keygen -q -t ed25519 -N '' -f other"), 0);
    write("config", "Host *\n UserKnownHostsFile " + (directory_ / "known_hosts").string() + "\n");
    auto o = options();
    o.identities = {directory_ / "other"};
    const auto unknown = failure(o);
    EXPECT_EQ(unknown.code, "ssh-auth-failed") << unknown.why;
    EXPECT_EQ(unknown.help, "ssh-copy-id root@node-0");
    o.identities = {directory_ / "other", directory_ / "id"};
    EXPECT_TRUE(observe_all(o).at("node-0").known()) << "each identity is tried";
}

TEST_F(Access, AnSshAgentHoldsTheKey) {
    start();
    write("config", "Host *\n UserKnownHostsFile " + (directory_ / "known_hosts").string() + "\n");
    const auto sock = (directory_ / "agent.sock").string();
    ASSERT_EQ(shell("ssh-agent -a " + sock + " > agent.env && SSH_AUTH_SOCK=" + sock +
                    " ssh-add -q id 2>/dev/null"),
              0);
    setenv("SSH_AUTH_SOCK", sock.c_str(), 1);
    const auto facts = observe_all();
    unsetenv("SSH_AUTH_SOCK");
    EXPECT_EQ(shell(". ./agent.env > /dev/null; kill $SSH_AGENT_PID"), 0);
    EXPECT_TRUE(facts.at("node-0").known()) << facts.at("node-0").unknown().why;
}

TEST_F(Access, ACloudImagesForcedCommandNamesTheUserAtOnce) {
    start({.sshd_config = "ForceCommand echo 'Please login as the user \"ubuntu\" rather than the user "
                          "\"root\".';sleep 10"});
    const auto start_time = Clock::now();
    const auto unknown = failure();
    EXPECT_LT(Clock::now() - start_time, std::chrono::seconds(5)) << "the message is enough";
    EXPECT_EQ(unknown.code, "ssh-auth-failed");
    EXPECT_EQ(unknown.help, "podroute verify --user ubuntu --sudo");
}

TEST_F(Access, AShellThatEndsAtOnceIsQuoted) {
    start({.sshd_config = "ForceCommand echo This account is currently not available.; exit 1"});
    const auto unknown = failure();
    EXPECT_EQ(unknown.code, "agent-failed");
    EXPECT_NE(unknown.why.find("This account is currently not available."), std::string::npos) << unknown.why;
}

TEST_F(Access, AShellThatPrintsIsPassedOverAndOneThatNeverStopsIsGivenUp) {
    start({.prepare = [] { std::ofstream("/root/.bashrc") << "echo welcome; echo motd\n"; }});
    start({.prepare = [] { std::ofstream("/root/.bashrc") << "yes\n"; }});
    const auto facts = observe_all();
    EXPECT_TRUE(facts.at("node-0").known()) << facts.at("node-0").unknown().why;
    ASSERT_FALSE(facts.at("node-1").known());
    EXPECT_EQ(facts.at("node-1").unknown().code, "agent-failed");
    EXPECT_NE(facts.at("node-1").unknown().why.find("prints without end"), std::string::npos);
}

void remount(const char* place, unsigned long flags, const char* data) {
    if (mount("tmpfs", place, "tmpfs", MS_REMOUNT | flags, data) != 0) _exit(95);
}

TEST_F(Access, NoexecAndFullPlacesArePassedOver) {
    start({.prepare = [] { remount("/run", MS_NOEXEC, "mode=0755"); }});
    start({.prepare = [] { remount("/run", 0, "size=128k"); }});
    start({.prepare = [] {
        remount("/run", MS_NOEXEC, "mode=0755");
        remount("/dev/shm", 0, "size=64k");
        remount("/var/tmp", MS_RDONLY, "mode=1777");
    }});
    for (const auto& [name, f] : observe_all()) EXPECT_TRUE(f.known()) << name << ": " << f.unknown().why;
    for (const auto& [name, host] : hosts_) EXPECT_EQ(leftovers(host), std::vector<std::string>{});
}

TEST_F(Access, NoexecEverywhereIsToldForEveryPlace) {
    const auto& host = start({.prepare = [] {
        for (const auto* place : {"/run", "/dev/shm", "/var/tmp", "/tmp", "/root"})
            remount(place, MS_NOEXEC, "");
    }});
    const auto unknown = failure();
    EXPECT_EQ(unknown.code, "agent-failed");
    EXPECT_NE(unknown.why.find("/run is mounted noexec, /dev/shm is mounted noexec"), std::string::npos)
        << unknown.why;
    EXPECT_EQ(unknown.help, "ssh root@node-0 mount -o remount,exec /dev/shm");
    EXPECT_EQ(leftovers(host), std::vector<std::string>{});
}

TEST_F(Access, AReadOnlyEtcMattersNothing) {
    start({.prepare = [] {
        if (mount("/etc", "/etc", nullptr, MS_BIND, nullptr) != 0 ||
            mount("", "/etc", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
            _exit(94);
    }});
    const auto facts = observe_all();
    EXPECT_TRUE(facts.at("node-0").known()) << facts.at("node-0").unknown().why;
}

// A user "tester" with a home and a shell.
void with_user() {
    if (mount("tmpfs", "/home", "tmpfs", 0, "mode=0755") != 0) _exit(93);
    const auto add = [](const char* file, const char* line, mode_t mode) {
        const std::string copy = std::string("/home/") + (strrchr(file, '/') + 1);
        std::ofstream(copy) << std::ifstream(file).rdbuf() << line;
        if (chmod(copy.c_str(), mode) != 0 || mount(copy.c_str(), file, nullptr, MS_BIND, nullptr) != 0)
            _exit(92);
    };
    add("/etc/passwd", "tester:x:4242:4242::/home/tester:/bin/sh\n", 0644);
    add("/etc/shadow", "tester:*:19000:0:99999:7:::\n", 0600);
    mkdir("/home/tester", 0700);
    if (chown("/home/tester", 4242, 4242) != 0) _exit(91);
}

TEST_F(Access, WithoutRootTheFactsAreStillRead) {
    const auto& host = start({.prepare = with_user});
    auto o = options();
    o.user = "tester";
    const auto facts = observe_all(o);
    ASSERT_TRUE(facts.at("node-0").known()) << facts.at("node-0").unknown().why;
    EXPECT_EQ(facts.at("node-0")->uid, 4242U);
    EXPECT_EQ(leftovers(host), std::vector<std::string>{});
}

// A stand-in for sudo, first in the PATH: whether the real one is installed and what it may is not asked.
std::function<void()> with_sudo(const std::string& script) {
    return [script] {
        if (mount("tmpfs", "/usr/local/bin", "tmpfs", 0, "mode=0755") != 0) _exit(90);
        std::ofstream("/usr/local/bin/sudo") << "#!/bin/sh\n" << script;
        chmod("/usr/local/bin/sudo", 0755);
    };
}

TEST_F(Access, SudoStartsTheAgentAndAPasswordIsNotWaitedFor) {
    const auto& host =
        start({.prepare = with_sudo(
                   "[ \"$1\" = -n ] || exit 9; shift; echo \"$@\" >> /root/sudo.log; exec \"$@\"\n")});
    start({.prepare = with_sudo("echo sudo: a password is required >&2; exit 1\n")});
    auto o = options();
    o.sudo = true;
    const auto facts = observe_all(o);
    ASSERT_TRUE(facts.at("node-0").known()) << facts.at("node-0").unknown().why;
    std::ostringstream log;
    log << std::ifstream(host.root / "root/sudo.log").rdbuf();
    EXPECT_NE(log.str().find("/agent --ssh-connection"), std::string::npos) << log.str();
    EXPECT_EQ(leftovers(host), std::vector<std::string>{});
    ASSERT_FALSE(facts.at("node-1").known());
    EXPECT_EQ(facts.at("node-1").unknown().code, "agent-failed");
    EXPECT_NE(facts.at("node-1").unknown().why.find("sudo wants a password"), std::string::npos);
    EXPECT_EQ(
        facts.at("node-1").unknown().help,
        "ssh -t root@node-1 \"echo 'root ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/podroute\"");
}

class ByProxy : public Access {
  protected:
    // node-0 is the jump host.
    void configure(const std::string& more) {
        // ssh(1) looks its jump host up by HostName.
        write("known_hosts", read("known_hosts") + "10.240.0.20 " + key_line(hosts_.at("node-0")) + "\n");
        write("config", read("config") + "Host node-0\n  HostName 10.240.0.20\n  User root\n" + more);
    }
    std::size_t logins_at_the_jump() const {
        const auto log = read("node-0_log");
        std::size_t n = 0;
        for (auto at = log.find("Accepted publickey"); at != std::string::npos;
             at = log.find("Accepted publickey", at + 1))
            ++n;
        return n;
    }
};

TEST_F(ByProxy, ProxyJumpLeadsThroughTheJumpHost) {
    start();
    for (int i = 0; i < 12; ++i) start();
    // More hosts at once than MaxStartups lets through before they authenticate.
    configure(
        "Host node-1 node-1?\n  ProxyJump node-0\nHost node-2 node-3 node-4 node-5 node-6 node-7 node-8 "
        "node-9\n  ProxyJump node-0\n");
    for (const auto& [name, f] : observe_all()) EXPECT_TRUE(f.known()) << name << ": " << f.unknown().why;
    EXPECT_EQ(logins_at_the_jump(), 13U);
    for (const auto& [name, host] : hosts_) EXPECT_EQ(leftovers(host), std::vector<std::string>{}) << name;
}

TEST_F(ByProxy, ProxyCommandIsHonoured) {
    start();
    start();
    configure("Host node-1\n  ProxyCommand ssh -F " + (directory_ / "config").string() +
              " -W %h:%p node-0\n");
    for (const auto& [name, f] : observe_all()) EXPECT_TRUE(f.known()) << name << ": " << f.unknown().why;
    EXPECT_EQ(logins_at_the_jump(), 2U);
}

TEST_F(ByProxy, WhatTheProxySaysIsInTheMessage) {
    start();
    add_silent();
    add_silent();
    configure(
        "Host node-1\n  ProxyJump node-0\nHost node-2\n  ProxyCommand echo the bastion is shut >&2; exit "
        "1\n");
    const auto facts = observe_all();
    EXPECT_EQ(facts.at("node-1").unknown().code, "host-unreachable") << facts.at("node-1").unknown().why;
    EXPECT_EQ(facts.at("node-2").unknown().code, "ssh-failed");
    EXPECT_NE(facts.at("node-2").unknown().why.find("the bastion is shut"), std::string::npos)
        << facts.at("node-2").unknown().why;
}

// Whatever a proxy does: that something was connected to is only said where sshd has spoken.
TEST_F(ByProxy, AProxyThatConnectsToNothingIsToldAsThat) {
    start();
    for (int i = 0; i < 4; ++i) add_silent();
    configure(
        "Host node-1\n  ProxyCommand false\nHost node-2\n  ProxyCommand sleep 100\nHost node-3\n  "
        "ProxyCommand podroute-no-such-program\nHost node-4\n  ProxyJump root@10.240.0.99:1\n");
    auto o = options();
    o.connect_timeout = std::chrono::milliseconds(1500);
    const auto facts = observe_all(o);
    const auto why = [&](const char* name) { return facts.at(name).unknown().why; };
    for (const auto* name : {"node-1", "node-2", "node-3", "node-4"}) {
        EXPECT_EQ(facts.at(name).unknown().code, "ssh-failed") << why(name);
        EXPECT_EQ(why(name).rfind("no connection to " + hosts_.at(name).address + " port 22: the proxy ", 0),
                  0U)
            << why(name);
        EXPECT_EQ(why(name).find("Success"), std::string::npos) << why(name);
    }
    EXPECT_NE(why("node-1").find("ended with status 1"), std::string::npos) << why("node-1");
    EXPECT_NE(why("node-2").find("in time"), std::string::npos) << why("node-2");
    EXPECT_NE(why("node-3").find("ended with status 127 and said: "), std::string::npos) << why("node-3");
    EXPECT_NE(why("node-4").find("connect to host 10.240.0.99 port 1"), std::string::npos) << why("node-4");
}

}  // namespace
}  // namespace podroute
