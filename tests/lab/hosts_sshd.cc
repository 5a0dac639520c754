// The namespaces and sshds of SshdTest.
#include "tests/lab/hosts_sshd.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "agent/image.h"
#include "fixtures/lab/namespaces.h"
#include "hosts/ssh_link.h"

namespace podroute {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Where the hosts see the test's directory, whatever they mount over /tmp.
constexpr auto kShared = "/mnt";

class NoProbes final : public Prober {
  public:
    std::optional<RoundPlan> next(const Snapshot&) override { return std::nullopt; }
    bool complete(const RoundPlan&, const HostId&, std::span<const Frame>) override { return true; }
    RoundResult read(const RoundPlan&, const Caught&) override { return {}; }
};

void bring_up_loopback() {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    ASSERT_EQ(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

bool answers(const std::string& address) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(22);
    to.sin_addr.s_addr = htonl(Address::parse(address)->v4_value());
    const bool good = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    close(fd);
    return good;
}

// "net:[..]" of a process, empty where it may not be read.
std::string network_namespace(const std::string& process) {
    std::error_code error;
    return fs::read_symlink("/proc/" + process + "/ns/net", error).string();
}

}  // namespace

// Not the machine's, and not the one we were started in: fails closed.
bool SshdTest::in_own_namespace() {
    const std::string own = network_namespace("self");
    return !own.empty() && !left_namespace_.empty() && own != left_namespace_ &&
           lab::outside_machine_network();
}

void SshdTest::SetUpTestSuite() {
    const std::string before = network_namespace("self");
    ASSERT_EQ(unshare(CLONE_NEWNET | CLONE_NEWNS), 0) << "run the lab tests as root";
    if (!before.empty()) left_namespace_ = before;
    ASSERT_TRUE(in_own_namespace());
    ASSERT_EQ(mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    bring_up_loopback();
}

void SshdTest::SetUp() {
    ASSERT_TRUE(in_own_namespace()) << "refused: this is, or may be, the machine's own network namespace";
    signal(SIGPIPE, SIG_IGN);
    unsetenv("SSH_AUTH_SOCK");
    char name[] = "/tmp/podroute-test.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    // The hosts' user must be able to reach the keys.
    chmod(name, 0755);
    ASSERT_EQ(shell("ssh-keygen -q -t ed25519 -N '' -f id"), 0);
    write("known_hosts", "");
    write("config", "Host *\n  IdentityFile " + (directory_ / "id").string() + "\n  UserKnownHostsFile " +
                        (directory_ / "known_hosts").string() + "\n  GlobalKnownHostsFile /dev/null\n");
}

void SshdTest::TearDown() {
    // The sshds and their sessions: whatever runs in this namespace, which only the test made.
    for (int i = 0; i < 100; ++i) {
        bool any = false;
        for (const pid_t pid : processes_here()) any = (pid != getpid() && kill(pid, SIGKILL) == 0) || any;
        while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
        if (!any) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::error_code error;
    fs::remove_all(directory_, error);
    EXPECT_FALSE(error) << error.message();
}

SshdHost& SshdTest::add_silent() {
    EXPECT_TRUE(in_own_namespace());
    const auto n = static_cast<unsigned>(inventory_.hosts.size());
    const std::string name = "node-" + std::to_string(n), address = "10.240.0." + std::to_string(20 + n);
    if (in_own_namespace()) {
        EXPECT_EQ(shell("ip addr add " + address + "/32 dev lo"), 0);
    }
    inventory_.hosts.push_back({name,
                                name + ".kubernetes.local",
                                {*Address::parse(address)},
                                {Prefix(Address::v4(0x0ac80000U + (n << 8U)), 24)},
                                {n + 1}});
    return hosts_[name] = {name, address, 0, {}};
}

SshdHost& SshdTest::start(const Spec& spec) {
    SshdHost& host = add_silent();
    const std::string key = host.name + "_key", config = host.name + "_config";
    EXPECT_EQ(shell("ssh-keygen -q -t " + spec.key_type + " -N '' -f " + key), 0);
    if (spec.known) {
        EXPECT_EQ(shell("echo " + host.name + " $(cut -d' ' -f1,2 " + key + ".pub) >> known_hosts"), 0);
    }
    const std::string shared = std::string(kShared) + "/";
    write(config, spec.sshd_config + "\nHostKey " + shared + key + "\nAuthorizedKeysFile " + shared +
                      "id.pub\nListenAddress " + host.address +
                      "\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\n"
                      "PasswordAuthentication no\nKbdInteractiveAuthentication no\n");
    const std::string config_path = shared + config, log = shared + host.name + "_log";
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_DFL);
        bool good = unshare(CLONE_NEWNS) == 0 && mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                    mount(directory_.c_str(), kShared, nullptr, MS_BIND, nullptr) == 0;
        for (const auto* place : {"/run", "/dev/shm", "/var/tmp", "/tmp", "/root"})
            good = good && mount("tmpfs", place, "tmpfs", 0, "mode=1777") == 0;
        chmod("/run", 0755);
        chmod("/root", 0700);
        mkdir("/run/sshd", 0755);
        if (!good) _exit(97);
        if (spec.prepare) spec.prepare();
        execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", config_path.c_str(), "-E", log.c_str(),
              nullptr);
        _exit(98);
    }
    host.pid = pid;
    host.root = "/proc/" + std::to_string(pid) + "/root";
    for (int i = 0; i < 500 && !answers(host.address); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_TRUE(answers(host.address))
        << host.name << "'s sshd does not answer: " << read(host.name + "_log");
    return host;
}

SshOptions SshdTest::options() const {
    SshOptions options;
    options.config = directory_ / "config";
    options.connect_timeout = std::chrono::seconds(10);
    return options;
}

void SshdTest::with_fleet(const SshOptions& options, const std::stop_token& cancel,
                          const std::function<void(Fleet&)>& use) {
    ASSERT_TRUE(in_own_namespace());
    Watchdog watchdog(cancel);
    std::counting_semaphore<> jobs(kDefaultJobs);
    const LoginContext context{options,
                               {agent_image(), std::string(agent_image_machine()), compressed_agent_image()},
                               posix_cksum(agent_image()),
                               "podroutetest" + std::to_string(getpid()),
                               watchdog,
                               jobs,
                               cancel};
    Fleet fleet(inventory_, [&](const InventoryHost& h) { return open_ssh_link(h, context); });
    use(fleet);
}

SshdTest::Facts SshdTest::observe_all(const SshOptions& options, const std::stop_token& cancel) {
    Snapshot snapshot;
    snapshot.inventory = inventory_;
    NoProbes prober;
    with_fleet(options, cancel,
               [&](Fleet& fleet) { snapshot = observe(fleet, std::move(snapshot), prober, cancel); });
    return std::move(snapshot.hosts);
}

std::string SshdTest::key_line(const SshdHost& host) const {
    std::istringstream in(read(host.name + "_key.pub"));
    std::string type, key;
    in >> type >> key;
    return type + " " + key;
}

void SshdTest::write(const std::string& file, const std::string& text) const {
    std::ofstream(directory_ / file) << text;
}

std::string SshdTest::read(const std::string& file) const {
    std::ostringstream out;
    out << std::ifstream(directory_ / file).rdbuf();
    return out.str();
}

int SshdTest::shell(const std::string& command) const {
    return std::system(("cd " + directory_.string() + " && " + command).c_str());  // NOLINT
}

std::vector<pid_t> SshdTest::processes_here() {
    std::vector<pid_t> out;
    if (!in_own_namespace()) return out;
    const auto own = network_namespace("self");
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") == std::string::npos && network_namespace(name) == own)
            out.push_back(std::stoi(name));
    }
    return out;
}

std::vector<pid_t> SshdTest::agents() {
    std::vector<pid_t> out;
    for (const pid_t pid : processes_here()) {
        std::error_code gone;
        const auto program = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone).string();
        if (program.find("/podroute.") != std::string::npos) out.push_back(pid);
    }
    return out;
}

std::vector<std::string> SshdTest::leftovers(const SshdHost& host) const {
    std::vector<std::string> out;
    const auto until = Clock::now() + std::chrono::seconds(2);
    do {
        out.clear();
        for (const pid_t pid : agents()) out.push_back("agent " + std::to_string(pid));
        for (const auto* place : {"run", "dev/shm", "var/tmp", "tmp", "root"})
            for (const auto& entry : fs::directory_iterator(host.root / place))
                if (entry.path().filename().string().rfind("podroute", 0) == 0)
                    out.push_back(entry.path().string());
        if (out.empty()) return out;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } while (Clock::now() < until);
    return out;
}

}  // namespace podroute
