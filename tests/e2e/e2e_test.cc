// The program as a user runs it, in a lab: from machines.txt to reports, over real sshd.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "fixtures/lab/lab.h"

namespace podroute::lab {
namespace {

using nlohmann::json;

constexpr auto kMachines = "/root/machines.txt";

// One lab for all cases: server, node-0, node-1, and no pod routes.
class EndToEnd : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        LabOptions options;
        options.name = "e2e-" + std::to_string(getpid());
        options.routes = false;
        auto lab = Lab::up(options);
        if (!lab) FAIL() << lab.error().text;
        lab_ = std::make_unique<Lab>(std::move(*lab));
    }
    static void TearDownTestSuite() { lab_.reset(); }
    void SetUp() override {
        ASSERT_TRUE(lab_);
        jumpbox({"sh", "-c",
                 "for h in server node-0 node-1; do ssh $h 'ip route del 10.200.0.0/24 proto boot; ip route "
                 "del 10.200.1.0/24 proto boot'; done"});
    }

    static Finished jumpbox(const std::vector<std::string>& argv, const std::string& input = {}) {
        return (**lab_).run("jumpbox", argv, input);
    }
    static Finished podroute(std::vector<std::string> words, const std::string& input = {}) {
        // Tables only: what these tests hold does not depend on packets, which a busy machine may lose.
        if (!words.empty() && words[0] == "verify") words.insert(words.begin() + 1, {"--protocol", "none"});
        words.insert(words.begin(), PODROUTE);
        return jumpbox(words, input);
    }
    static Finished shell(const std::string& text) { return jumpbox({"sh", "-c", text}); }
    static void add_routes() {
        ASSERT_EQ(shell("ssh server 'ip route add 10.200.0.0/24 via 10.240.0.20; ip route add 10.200.1.0/24 "
                        "via 10.240.0.21' && "
                        "ssh node-0 ip route add 10.200.1.0/24 via 10.240.0.21 && ssh node-1 ip route add "
                        "10.200.0.0/24 via 10.240.0.20")
                      .exit_code,
                  0);
    }
    // A report that a real validator accepts.
    static json valid_report(const std::string& path) {
        const auto check =
            jumpbox({"/usr/bin/python3", "-W", "ignore", "-m", "jsonschema", "-i", path, REPORT_SCHEMA});
        EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
        return json::parse(shell("cat " + path).output, nullptr, false);
    }

    static std::unique_ptr<Lab> lab_;
};
std::unique_ptr<Lab> EndToEnd::lab_;

TEST_F(EndToEnd, ThePrintedCommandsMendTheCluster) {
    const auto broken = podroute({"verify", "--machines", kMachines});
    EXPECT_EQ(broken.exit_code, 1) << broken.output << broken.errors;
    EXPECT_NE(broken.output.find("error[route-missing]"), std::string::npos);
    std::size_t count = 0;
    constexpr std::string_view kStart = "ssh root@";
    for (auto at = broken.output.find(kStart); at != std::string::npos;
         at = broken.output.find(kStart, at + 1), ++count) {
        const auto command = broken.output.substr(at, broken.output.find('\n', at) - at);
        EXPECT_NE(command.find(" ip route add "), std::string::npos) << command;
        EXPECT_EQ(shell(command).exit_code, 0) << command;
    }
    EXPECT_EQ(count, 4U) << broken.output;
    const auto mended = podroute({"verify", "--machines", kMachines});
    EXPECT_EQ(mended.exit_code, 0) << mended.output << mended.errors;
    EXPECT_EQ(mended.output.substr(mended.output.rfind("PASSED"), 6), "PASSED");
}

TEST_F(EndToEnd, PlanPrintsTheCommandsThatMakeVerifyPass) {
    const auto plan = podroute({"plan", "--machines", "-"}, shell(std::string("cat ") + kMachines).output);
    ASSERT_EQ(plan.exit_code, 0) << plan.errors;
    EXPECT_NE(plan.output.find("ip route add 10.200.1.0/24 via 10.240.0.21"), std::string::npos);
    std::string host;
    std::istringstream lines(plan.output);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line[0] != ' ') host = line.substr(0, line.find(' '));
        if (line.rfind("  ip route add", 0) != 0) continue;
        EXPECT_EQ(shell("ssh " + host + line).exit_code, 0) << host << line;
    }
    EXPECT_EQ(podroute({"verify", "--machines", kMachines}).exit_code, 0);
}

TEST_F(EndToEnd, AReplayIsTheSameByteForByte) {
    podroute({"verify", "--machines", kMachines, "--json", "/tmp/a.json", "--junit", "/tmp/a.xml",
              "--snapshot", "/tmp/a.snapshot"});
    const auto replay =
        podroute({"replay", "/tmp/a.snapshot", "--json", "/tmp/b.json", "--junit", "/tmp/b.xml"});
    EXPECT_EQ(replay.exit_code, 1) << replay.errors;
    EXPECT_EQ(shell("cmp /tmp/a.json /tmp/b.json && cmp /tmp/a.xml /tmp/b.xml").exit_code, 0);
    EXPECT_EQ(valid_report("/tmp/a.json")["run"]["verdict"], "fail");
    EXPECT_EQ(shell("xmllint --noout /tmp/a.xml").exit_code, 0);
}

TEST_F(EndToEnd, AKilledRunLeavesRedReports) {
    add_routes();
    // Killed at moments all over the run, which takes some hundred milliseconds.
    for (int ms = 5; ms <= 205; ms += 40) {
        const auto killed =
            shell("rm -f /tmp/k.json /tmp/k.xml; " PODROUTE
                  " verify --machines /root/machines.txt --json /tmp/k.json --junit /tmp/k.xml "
                  ">/dev/null 2>&1 & sleep 0." +
                  std::string(ms < 10    ? "00"
                              : ms < 100 ? "0"
                                         : "") +
                  std::to_string(ms) + "; kill -9 $!; wait $!; true");
        EXPECT_EQ(killed.exit_code, 0);
        if (shell("test -e /tmp/k.json").exit_code != 0) continue;  // killed before the program began
        const auto report = valid_report("/tmp/k.json");
        const std::string verdict = report["run"]["verdict"];
        EXPECT_TRUE(verdict == "aborted" || verdict == "pass") << verdict;
        EXPECT_EQ(shell("test ! -e /tmp/k.xml || xmllint --noout /tmp/k.xml").exit_code, 0);
    }
}

TEST_F(EndToEnd, ASignalEndsTheRunAndWhatWasNotSeenIsUnknown) {
    // A host that never answers keeps the run waiting; the signal ends it.
    shell(
        "cp /root/machines.txt /tmp/m; echo '10.240.0.99 gone.kubernetes.local gone 10.200.9.0/24' >> "
        "/tmp/m");
    const auto cancelled = shell(PODROUTE
                                 " verify --machines /tmp/m --json /tmp/c.json >/tmp/c.out 2>&1 & sleep 1; "
                                 "kill -INT $!; wait $!; echo $?");
    const auto report = valid_report("/tmp/c.json");
    EXPECT_NE(report["run"]["verdict"], "pass");
    EXPECT_NE(cancelled.output, "0\n");
}

TEST_F(EndToEnd, BadInventoryIsExitTwoWithEveryErrorAndAnAbortedReport) {
    const auto bad = podroute({"verify", "--machines", "-", "--json", "/tmp/bad.json"},
                              "10.240.0.1O a.k a\n10.240.0.20 b.k\n");
    EXPECT_EQ(bad.exit_code, 2);
    EXPECT_NE(bad.errors.find("<stdin>:1:1: "), std::string::npos) << bad.errors;
    EXPECT_NE(bad.errors.find("<stdin>:2:"), std::string::npos) << bad.errors;
    EXPECT_EQ(valid_report("/tmp/bad.json")["run"]["verdict"], "aborted");
}

TEST_F(EndToEnd, BadUsageIsExitTwo) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                  {"verify", "--nonsense"},
                                                  {"verify", "--layer", "persistence"},
                                                  {"verify", "--protocol", "none,icmp"},
                                                  {"verify", "--skip", "nonsense"},
                                                  {"verify", "--dry-run", "--machines", kMachines},
                                                  {"verify", "--fix=all", "--machines", kMachines},
                                                  {"verify", "--fix", "repair", "--machines", kMachines},
                                                  {"undo"},
                                                  {"undo", "/nonexistent"},
                                                  {"undo", "/root/machines.txt"},
                                                  {"undo", "/nonexistent", "--all"},
                                                  {"undo", "/nonexistent", "--yes"},
                                                  {"replay"},
                                                  {"replay", "/nonexistent"},
                                                  {"verify", "--machines", "/nonexistent"},
                                                  {"verify", "--machines", kMachines, "--only", "nobody"},
                                                  {"explain", "no-such-code-at-all"}})
        EXPECT_EQ(podroute(words).exit_code, 2);
}

TEST_F(EndToEnd, AFileThatIsReadIsNeverWrittenAndNoTwoAreOne) {
    ASSERT_EQ(
        podroute({"verify", "--machines", kMachines, "--snapshot", "/tmp/f.snap", "--json", "/tmp/f.json"})
            .exit_code,
        1);
    shell(
        "cp /root/machines.txt /tmp/m.txt; ln -sf m.txt /tmp/m.link; cp /root/.ssh/config /tmp/f.ssh; "
        "printf '[verify]\\nquiet = true\\n' > /tmp/f.toml");
    const auto sums = shell("cd /tmp && sha256sum m.txt f.snap f.json f.ssh f.toml").output;
    for (const char* line :
         {"verify --machines m.txt --json m.txt", "verify --machines m.txt --junit ./m.link",
          "verify --machines m.txt --snapshot /tmp/m.txt", "verify --machines - --json m.txt < m.txt",
          "verify --machines m.txt --ssh-config f.ssh --json f.ssh",
          "verify --config f.toml --machines m.txt --json f.toml",
          "verify --machines m.txt --json new --snapshot new", "verify --machines m.txt --json new > new",
          "verify --machines m.txt --junit new --snapshot ./new", "replay f.snap --json f.snap",
          "replay f.snap --junit ../tmp/f.snap", "undo f.json --json f.json",
          "undo f.json --machines m.txt --junit m.txt", "verify --machines m.txt --pcap ~/.ssh/config",
          "verify --machines m.txt --json ~/.ssh/known_hosts"}) {
        const auto refused = shell(std::string("cd /tmp && " PODROUTE " ") + line);
        EXPECT_EQ(refused.exit_code, 2) << line << refused.output;
        EXPECT_NE(refused.errors.find(" are the same file, '"), std::string::npos) << line << refused.errors;
    }
    EXPECT_EQ(shell("cd /tmp && sha256sum m.txt f.snap f.json f.ssh f.toml").output, sums);
    EXPECT_EQ(shell("test ! -s /tmp/new").exit_code, 0);
}

TEST_F(EndToEnd, StandardOutputThatIsFullIsAnErrorAndAReaderThatLeavesIsNone) {
    for (const char* line : {"plan --machines /root/machines.txt", "explain", "--help",
                             "explain route-missing", "verify --machines /root/machines.txt"}) {
        const auto full = shell(std::string(PODROUTE " ") + line + " > /dev/full");
        EXPECT_EQ(full.exit_code, 70) << line;
        EXPECT_NE(full.errors.find("standard output could not be written"), std::string::npos) << full.errors;
    }
    // The report says so, too.
    shell(PODROUTE " verify --machines /root/machines.txt --json /root/full.json > /dev/full");
    const auto report = shell("cat /root/full.json").output;
    EXPECT_NE(report.find(R"("exit_code":70)"), std::string::npos) << report;
    EXPECT_NE(report.find(R"("output-not-written")"), std::string::npos) << report;
    EXPECT_EQ(report.find(R"("verdict":"pass")"), std::string::npos) << report;
    // The reader is gone before anything is written.
    const auto left =
        shell("( sleep 1; " PODROUTE " plan --machines /root/machines.txt; echo $? >&2 ) | true");
    EXPECT_EQ(left.errors, "0\n");
}

TEST_F(EndToEnd, BadFilesAreToldByName) {
    shell(
        "mkdir -p /tmp/dir; printf 'Host *\\n  Port 99999\\n' > /tmp/bad.ssh; head -c 4096 /dev/zero > "
        "/tmp/zero.ssh; printf '[verify]\\nnonsense = 1\\n' > /tmp/bad.toml");
    for (const auto& [line, wanted] : std::vector<std::pair<std::string, std::string>>{
             {"replay /tmp/dir", "/tmp/dir: cannot be read: Is a directory"},
             {"undo /tmp/dir", "/tmp/dir: "},
             {"verify --machines /tmp/dir", "/tmp/dir: Is a directory"},
             {"verify --machines ''", "the file name is empty"},
             {"verify --json ''", "a file name is wanted"},
             {"verify --pcap -", "--pcap: a file name is wanted, and '-' is none"},
             {"verify --snapshot -", "--snapshot: a file name is wanted, and '-' is none"},
             {"frobnicate", "'frobnicate' is no command; the commands are verify, "},
             {"verify --config /dev/zero", "'/dev/zero' is a device, not a file"},
             {"verify --known-hosts /dev/full", "'/dev/full' is a device, not a file"},
             {"verify --config /tmp/bad.toml", "/tmp/bad.toml: there is no option verify.nonsense"},
             {"verify --machines /root/machines.txt --ssh-config /tmp/bad.ssh",
              "/tmp/bad.ssh:2: 'Port 99999': a port is a number from 1 to 65535"},
             {"verify --machines /root/machines.txt --ssh-config /tmp/zero.ssh", "/tmp/zero.ssh:1: "}}) {
        const auto refused = shell(PODROUTE " " + line);
        EXPECT_EQ(refused.exit_code, 2) << line << refused.output << refused.errors;
        EXPECT_NE(refused.errors.find(wanted), std::string::npos) << line << ": " << refused.errors;
    }
}

TEST_F(EndToEnd, CommandsAreForTheUserThatLoggedIn) {
    // Without sudo: the tables are read all the same. The user is in no other lab's /etc.
    ASSERT_EQ(
        shell("for h in server node-0 node-1; do ssh $h 'grep -q ^bob: /etc/passwd || { echo "
              "bob:x:4711:4711::/var/lib/bob:/bin/sh >> /etc/passwd; echo bob:*:19000:0:99999:7::: >> "
              "/etc/shadow; mkdir -p /var/lib/bob/.ssh; cp /root/.ssh/authorized_keys /var/lib/bob/.ssh; "
              "chown -R 4711:4711 /var/lib/bob; }' || exit 1; done")
            .exit_code,
        0);
    const std::string command = "ssh -t bob@node-0 sudo ip route add 10.200.1.0/24 via 10.240.0.21";
    const auto asked = podroute({"verify", "--machines", kMachines, "--user", "bob", "--snapshot",
                                 "/tmp/u.snap", "--json", "/tmp/u.json"});
    EXPECT_EQ(asked.exit_code, 1) << asked.output << asked.errors;
    EXPECT_NE(asked.output.find(command + "\n"), std::string::npos) << asked.output;
    EXPECT_EQ(asked.output.find("root@"), std::string::npos) << asked.output;
    EXPECT_EQ(asked.output.find("blocked by host-access"), std::string::npos) << asked.output;
    EXPECT_EQ(podroute({"replay", "/tmp/u.snap", "--json", "/tmp/u2.json"}).exit_code, 1);
    EXPECT_EQ(shell("cmp /tmp/u.json /tmp/u2.json").exit_code, 0);
    // The user of ssh_config is one, too.
    shell("( echo 'Host node-0'; echo '  User bob'; cat /root/.ssh/config ) > /tmp/u.ssh");
    const auto configured =
        podroute({"verify", "--machines", kMachines, "--ssh-config", "/tmp/u.ssh", "--only", "node-0"});
    EXPECT_NE(configured.output.find(command + "\n"), std::string::npos) << configured.output;
}

TEST_F(EndToEnd, EveryCommandsHelpHasTwoExamples) {
    for (const char* command : {"verify", "plan", "replay", "undo", "explain", "trace"}) {
        const auto help = podroute({command, "--help"});
        EXPECT_EQ(help.exit_code, 0);
        const auto examples = help.output.find("Examples:\n");
        ASSERT_NE(examples, std::string::npos) << command;
        std::size_t count = 0;
        for (auto at = help.output.find("\n  podroute ", examples); at != std::string::npos;
             at = help.output.find("\n  podroute ", at + 1))
            ++count;
        EXPECT_EQ(count, 2U) << help.output;
    }
}

TEST_F(EndToEnd, OptionsMayStandInATomlFile) {
    shell("printf '[verify]\\nmachines = \"/root/machines.txt\"\\nonly = [\"node-0\"]\\n' > /tmp/c.toml");
    const auto run = podroute({"verify", "--config", "/tmp/c.toml", "--json", "/tmp/t.json"});
    EXPECT_EQ(run.exit_code, 1) << run.errors;
    const auto report = valid_report("/tmp/t.json");
    // A pair belongs to both of its hosts.
    for (const auto& check : report["checks"])
        EXPECT_TRUE(check["host"] == "node-0" || check["host"].is_null() ||
                    check["subject"].get<std::string>().find("node-0") != std::string::npos)
            << check;
}

}  // namespace
}  // namespace podroute::lab
