// The bootstrap script, run by real shells on real file systems in a mount namespace of its own. The "agent"
// is a small script.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "hosts/bootstrap.h"

namespace podroute {
namespace {

namespace fs = std::filesystem;

constexpr auto kMarker = "m4rker";
constexpr auto kAgent = "#!/bin/sh\necho started \"$@\"\ncat\n";

std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

struct Outcome {
    std::string output;
    int status = -1;  // of the shell; 128 + N for a signal
};

class Bootstrap : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/podroute-test.XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        root_ = name;
        signal(SIGPIPE, SIG_IGN);
        for (const auto* d : {"a", "b", "home"}) fs::create_directory(root_ / d);
    }
    void TearDown() override { fs::remove_all(root_); }

    BootstrapOptions options(std::string_view agent = kAgent) const {
        return {
            kMarker, {root_ / "a", root_ / "b", "$HOME"}, agent.size(), posix_cksum(as_bytes(agent)), false};
    }

    // Runs the command by `shell`, after `prepare` in a private mount namespace, with `input` as its standard
    // input. `look` is called in the namespace when the script has ended, and its answer added to the output.
    Outcome run(const BootstrapOptions& options, std::string_view input,
                const std::function<void()>& prepare = {}, const char* shell = "/bin/sh") const {
        int in[2], out[2];
        EXPECT_EQ(pipe(in), 0);
        EXPECT_EQ(pipe(out), 0);
        const pid_t child = fork();
        if (child == 0) {
            // The holder of the namespace: runs the shell, then says what is left.
            if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
                _exit(99);
            if (prepare) prepare();
            const pid_t script = fork();
            if (script == 0) {
                dup2(in[0], 0);
                dup2(out[1], 1);
                for (const int fd : {in[0], in[1], out[0], out[1]}) close(fd);
                signal(SIGPIPE, SIG_DFL);
                setenv("HOME", (root_ / "home").c_str(), 1);
                execl(shell, shell, "-c", bootstrap_command(options).c_str(), nullptr);
                _exit(98);
            }
            close(in[0]);
            close(in[1]);
            int status = 0;
            waitpid(script, &status, 0);
            for (const auto* d : {"a", "b", "home"})
                for (const auto& left : fs::directory_iterator(root_ / d))
                    dprintf(out[1], "LEFT %s\n", left.path().c_str());
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
        close(in[0]);
        close(out[1]);
        std::thread writer([&] {
            for (std::string_view rest = input; !rest.empty();) {
                const ssize_t n = write(in[1], rest.data(), rest.size());
                if (n <= 0) break;
                rest.remove_prefix(static_cast<std::size_t>(n));
            }
            close(in[1]);
        });
        Outcome outcome;
        char buffer[4096];
        for (ssize_t n = 0; (n = read(out[0], buffer, sizeof buffer)) > 0;)
            outcome.output.append(buffer, static_cast<std::size_t>(n));
        close(out[0]);
        writer.join();
        int status = 0;
        waitpid(child, &status, 0);
        outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return outcome;
    }

    void mount_tmpfs(const char* where, unsigned long flags, const char* data = "") const {
        if (mount("tmpfs", (root_ / where).c_str(), "tmpfs", flags, data) != 0) _exit(97);
    }

    static std::vector<std::string> words(std::string output) {
        std::vector<std::string> out;
        output.insert(0, "\n");
        while (const auto line = next_line(output, kMarker))
            out.push_back(line->word + (line->rest.empty() ? "" : " " + line->rest));
        return out;
    }
    static bool left(const Outcome& o) { return o.output.find("LEFT") != std::string::npos; }

    fs::path root_;
};

using Words = std::vector<std::string>;

std::string machine() {
    return
#if defined(__x86_64__)
        "ready x86_64";
#else
        "ready aarch64";
#endif
}

TEST_F(Bootstrap, RunsTheAgentAndLeavesNothing) {
    for (const auto* shell : {"/bin/sh", "/bin/bash"}) {
        const auto o = run(options(), std::string(kAgent) + "to the agent", {}, shell);
        EXPECT_EQ(words(o.output), (Words{machine(), "run"})) << o.output;
        EXPECT_NE(o.output.find("--unlink-self " + (root_ / "a").string() + "/podroute."), std::string::npos);
        EXPECT_NE(o.output.find("to the agent"), std::string::npos)
            << "input after the agent's bytes is the agent's";
        EXPECT_FALSE(left(o)) << o.output;
        EXPECT_EQ(o.status, 0);
    }
}

// The agent as gzip(1) packs it.
std::string packed(const fs::path& root, std::string_view agent) {
    std::ofstream(root / "plain", std::ios::binary) << agent;
    const std::string command =
        "gzip -9nc " + (root / "plain").string() + " > " + (root / "plain.gz").string();
    EXPECT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
    std::ifstream in(root / "plain.gz", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST_F(Bootstrap, UnpacksWhatCameCompressed) {
    const auto gz = packed(root_, kAgent);
    auto with_gzip = options();
    with_gzip.compressed_size = gz.size();
    const auto o = run(with_gzip, gz + "to the agent");
    EXPECT_EQ(words(o.output), (Words{machine() + " gzip", "run"})) << o.output;
    EXPECT_NE(o.output.find("started"), std::string::npos);
    EXPECT_NE(o.output.find("to the agent"), std::string::npos);
    EXPECT_FALSE(left(o)) << o.output;
}

TEST_F(Bootstrap, WhatCameCompressedAndDamagedOrShortIsNotRun) {
    const auto gz = packed(root_, kAgent);
    auto with_gzip = options();
    with_gzip.compressed_size = gz.size();
    auto flipped = gz;
    flipped[gz.size() - 6] = static_cast<char>(flipped[gz.size() - 6] ^ 1);  // of the CRC
    for (const std::string& bytes : {flipped, gz.substr(0, gz.size() / 2), std::string()}) {
        const auto o = run(with_gzip, bytes);
        EXPECT_EQ(words(o.output), (Words{machine() + " gzip", "failed damaged " + (root_ / "a").string()}));
        EXPECT_EQ(o.output.find("started"), std::string::npos);
        EXPECT_FALSE(left(o)) << o.output;
    }
}

TEST_F(Bootstrap, AFullDiskIsToldOfWhatIsUnpackedToo) {
    std::string big = std::string(kAgent) + "exit\n#";
    unsigned state = 1;  // not to be packed to less than the disk holds
    while (big.size() < 1U << 20U)
        big += static_cast<char>('a' + (state = state * 1103515245U + 12345U) / 65536U % 26U);
    const auto gz = packed(root_, big);
    auto with_gzip = options(big);
    with_gzip.compressed_size = gz.size();
    const auto o = run(with_gzip, gz, [&] { mount_tmpfs("a", 0, "size=64k"); });
    EXPECT_EQ(words(o.output), (Words{machine() + " gzip", "failed full " + (root_ / "a").string()}));
    EXPECT_FALSE(left(o)) << o.output;
}

TEST_F(Bootstrap, TheDirectoryIsForItsOwnerOnly) {
    constexpr auto kSpy = "#!/bin/sh\nstat -c %a \"$4\" \"$0\"\n";
    const auto o = run(options(kSpy), kSpy);
    EXPECT_NE(o.output.find("700\n700\n"), std::string::npos) << o.output;
}

TEST_F(Bootstrap, PassesOverWhereProgramsMayNotRun) {
    const auto o = run(options(), kAgent, [&] { mount_tmpfs("a", MS_NOEXEC); });
    EXPECT_EQ(words(o.output), (Words{machine(), "run"}));
    EXPECT_NE(o.output.find((root_ / "b").string() + "/podroute."), std::string::npos);
    EXPECT_FALSE(left(o)) << o.output;
}

TEST_F(Bootstrap, SaysWhyNoPlaceWillDo) {
    const auto o = run(options(), kAgent, [&] {
        mount_tmpfs("a", MS_NOEXEC);
        mount_tmpfs("b", MS_RDONLY);
        mount_tmpfs("home", MS_NOEXEC);
    });
    const auto base = root_.string();
    EXPECT_EQ(words(o.output), (Words{"failed nodir " + base + "/a:noexec " + base + "/b:unwritable " + base +
                                      "/home:noexec"}));
    EXPECT_FALSE(left(o)) << o.output;
    const auto why = explain_failure("nodir /run:noexec /tmp:unwritable");
    EXPECT_EQ(why.why, "no directory for it: /run is mounted noexec, /tmp is not writable");
    EXPECT_EQ(why.help, "mount -o remount,exec /dev/shm");
    EXPECT_FALSE(why.try_elsewhere);
}

TEST_F(Bootstrap, AFullDiskIsToldAndAnotherPlaceMayDo) {
    const std::string big = std::string(kAgent) + "exit\n" + std::string(1 << 20, '#');
    const auto o = run(options(big), big, [&] { mount_tmpfs("a", 0, "size=64k"); });
    EXPECT_EQ(words(o.output), (Words{machine(), "failed full " + (root_ / "a").string()}));
    EXPECT_FALSE(left(o)) << o.output;
    EXPECT_TRUE(explain_failure("full /run").try_elsewhere);
}

TEST_F(Bootstrap, DoesWithoutMktempAndGzip) {
    fs::create_directory(root_ / "bin");
    for (const auto* tool : {"sh", "mkdir", "chmod", "uname", "head", "cksum", "rm", "cat"})
        for (const auto* place : {"/bin/", "/usr/bin/"})
            if (fs::exists(std::string(place) + tool) && !fs::exists(root_ / "bin" / tool))
                fs::create_symlink(std::string(place) + tool, root_ / "bin" / tool);
    auto with_gzip = options();  // nor has it gzip
    with_gzip.compressed_size = 10;
    const auto o = run(with_gzip, kAgent, [&] { setenv("PATH", (root_ / "bin").c_str(), 1); });
    EXPECT_EQ(words(o.output), (Words{machine(), "run"})) << o.output;
    EXPECT_FALSE(left(o)) << o.output;
}

TEST_F(Bootstrap, WhatArrivesDamagedOrShortIsNotRun) {
    std::string damaged = kAgent;
    damaged[12] = 'X';
    for (const std::string& bytes : {damaged, std::string(kAgent).substr(0, 20), std::string()}) {
        const auto o = run(options(), bytes);
        EXPECT_EQ(words(o.output), (Words{machine(), "failed damaged " + (root_ / "a").string()}));
        EXPECT_EQ(o.output.find("started"), std::string::npos);
        EXPECT_FALSE(left(o)) << o.output;
    }
}

TEST_F(Bootstrap, ACutConnectionLeavesNothing) {
    // The controller is gone: half of the agent has come, and nobody reads what the script says of it.
    auto broken = options();
    broken.directories = {root_ / "a"};
    const auto file = root_ / "command";
    std::ofstream(file) << bootstrap_command(broken) << "\n";
    signal(SIGPIPE, SIG_DFL);
    const std::string pipeline = "printf half | sh " + file.string() + " | true";
    EXPECT_EQ(std::system(pipeline.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
    // The pipeline ends with its last member, the script a moment later.
    for (int i = 0; i < 500 && !fs::is_empty(root_ / "a"); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(fs::is_empty(root_ / "a"));
}

TEST_F(Bootstrap, AKilledAgentLeavesNothingAndItsSignalIsTold) {
    constexpr auto kDying = "#!/bin/sh\nkill -9 $$\n";
    const auto o = run(options(kDying), kDying);
    EXPECT_EQ(o.status, 128 + SIGKILL);
    EXPECT_FALSE(left(o)) << o.output;
}

TEST_F(Bootstrap, AFileThatCannotBeExecutedIsToldAfterTheRunLine) {
    // An interpreter that may not be executed: what `test -x` cannot see.
    std::string agent = "#!" + (root_ / "nothing").string() + "\n";
    {
        const int fd = creat((root_ / "nothing").c_str(), 0600);
        close(fd);
    }
    const auto o = run(options(agent), agent);
    EXPECT_EQ(words(o.output), (Words{machine(), "run", "failed noexec " + (root_ / "a").string()}));
    EXPECT_TRUE(explain_failure("noexec /run").try_elsewhere);
}

TEST(BootstrapLines, ChatterBeforeAndAroundTheMarkerIsPassedOver) {
    std::string buffer =
        "\nWelcome!\nm4rker is not at the start of m4rker ready x\nm4rker ready x86_64\nagent";
    const auto line = next_line(buffer, kMarker);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->word, "is")
        << "a line that begins with the marker is ours; it is random, so nobody prints it";
    std::string split = "\nm4rker rea";
    EXPECT_FALSE(next_line(split, kMarker));
    split += "dy x86_64\n\1\2";
    EXPECT_EQ(next_line(split, kMarker)->rest, "x86_64");
    EXPECT_EQ(split, "\1\2") << "the bytes after the line belong to the agent";
}

TEST(BootstrapLines, TheCommandSurvivesAnyShell) {
    const auto command = bootstrap_command({kMarker, default_directories(), 10, 20, true, 5});
    const auto script = command.substr(command.find('\'') + 1, command.rfind('\'') - command.find('\'') - 1);
    // csh wants one line and expands "!", fish reads \' and \\ in single quotes.
    EXPECT_EQ(script.find_first_of("'\n!"), std::string::npos);
    EXPECT_EQ(script.find("\\\\"), std::string::npos);
    EXPECT_NE(command.find("sudo -n"), std::string::npos);
    EXPECT_EQ(bootstrap_command({kMarker, default_directories(), 10, 20, false}).find("sudo"),
              std::string::npos);
}

TEST(PosixCksum, IsThatOfTheTool) {
    EXPECT_EQ(posix_cksum(as_bytes("123456789")), 930766865U);
    EXPECT_EQ(posix_cksum({}), 4294967295U);
}

}  // namespace
}  // namespace podroute
