// fork(2), setsid(2), and systemd-run(1).
#include "agent/watchdog_start.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "agent/messages.h"

namespace podroute::agent {
namespace {

constexpr std::chrono::milliseconds kServiceTime{15'000};
constexpr std::size_t kMaxWords = 300;  // bytes of systemd-run's complaint

tl::unexpected<Error> failed(const std::string& why) {
    return failure("watchdog", "no watchdog could be started: " + why);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    out.reserve(words.size() + 1);
    for (auto& w : words) out.push_back(w.data());
    out.push_back(nullptr);
    return out;
}

bool shares_with_first(const char* kind) {
    struct stat own {
    }, first{};
    const std::string name(kind);
    return stat(("/proc/self/ns/" + name).c_str(), &own) == 0 &&
           stat(("/proc/1/ns/" + name).c_str(), &first) == 0 && own.st_dev == first.st_dev &&
           own.st_ino == first.st_ino;
}

struct Pipe {
    Descriptor output, input;
    static Result<Pipe> make() {
        std::array<int, 2> ends{-1, -1};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) return failed(std::strerror(errno));
        return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
    }
};

// From here to exec(3) only what is safe after fork in a program with threads.
[[noreturn]] void become(const char* program, char* const* words, int output, int errors) {
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(output < 0 ? null : output, STDOUT_FILENO);
    dup2(errors < 0 ? null : errors, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (chdir("/") != 0) _exit(126);
    execvp(program, words);
    _exit(127);
}

std::vector<std::string> own_command(const WatchdogOptions& options, const std::string& program) {
    std::vector<std::string> words{program, "--watchdog"};
    for (auto& w : to_words(options)) words.push_back(std::move(w));
    return words;
}

Result<Descriptor> by_fork(const WatchdogOptions& options) {
    auto words = own_command(options, "podroute-agent");
    const auto argv = pointers(words);
    auto life = Pipe::make();
    if (!life) return tl::unexpected(life.error());
    const pid_t child = fork();
    if (child < 0) return failed(std::strerror(errno));
    if (child == 0) {
        setsid();
        if (fork() == 0) become("/proc/self/exe", argv.data(), life->input.get(), -1);
        _exit(0);
    }
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return std::move(life->output);
}

// Of a child that has closed its output, and so is about to end; one that hangs is killed.
int status_of(pid_t child) {
    int status = 0;
    for (int i = 0; i < 100; ++i, usleep(10'000))
        if (waitpid(child, &status, WNOHANG) == child) return status;
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

Result<Descriptor> by_service(const WatchdogOptions& options, unsigned repeated) {
    auto words = service_command(options, repeated);
    const auto argv = pointers(words);
    auto complaint = Pipe::make();
    if (!complaint) return tl::unexpected(complaint.error());
    const pid_t child = fork();
    if (child < 0) return failed(std::strerror(errno));
    if (child == 0) become(argv[0], argv.data(), -1, complaint->input.get());
    complaint->input.reset();
    const auto said = last_words(complaint->output.get(), kServiceTime, kMaxWords);
    const int status = status_of(child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Descriptor();
    return failed(said.empty() ? "systemd-run ended with status " + std::to_string(WEXITSTATUS(status))
                               : said);
}

}  // namespace

StartBy way_to_start() {
    struct stat s {};
    const bool systemd = stat("/run/systemd/system", &s) == 0 && S_ISDIR(s.st_mode);  // as sd_booted(3)
    return systemd && shares_with_first("net") && shares_with_first("pid") ? StartBy::service : StartBy::fork;
}

std::vector<std::string> service_command(const WatchdogOptions& options, unsigned repeated) {
    std::string unit = "podroute-watchdog-" + options.run;
    if (repeated != 0) unit += "-" + std::to_string(repeated);
    std::vector<std::string> words{"systemd-run", "--collect", "--quiet", "--unit=" + unit, "--"};
    // Our file is unlinked; this way to it lasts as long as we do.
    for (auto& w : own_command(options, "/proc/" + std::to_string(getpid()) + "/exe"))
        words.push_back(std::move(w));
    return words;
}

Result<Descriptor> start_watchdog(const WatchdogOptions& options, unsigned repeated) {
    return way_to_start() == StartBy::service ? by_service(options, repeated) : by_fork(options);
}

}  // namespace podroute::agent
