// However a run ends, nothing of podroute stays on a host.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/lab/hosts_sshd.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;
const std::vector<std::string> kNothing;

class Leftovers : public SshdTest {
  protected:
    // A run in a process of its own, which holds the fleet open when it is there.
    pid_t start_client(int ready) {
        const pid_t client = fork();
        if (client != 0) return client;
        with_fleet(options(), {}, [&](Fleet& fleet) {
            fleet.run([](const InventoryHost&, HostLink*, const Unknown*) {});
            static_cast<void>(!write(ready, "x", 1));
            pause();
        });
        _exit(0);
    }
    using SshdTest::write;
    static ssize_t write(int fd, const char* bytes, std::size_t size) { return ::write(fd, bytes, size); }
};

TEST_F(Leftovers, AKilledClientLeavesNothing) {
    for (int i = 0; i < 2; ++i) start();
    std::array<int, 2> ready{};
    ASSERT_EQ(pipe(ready.data()), 0);
    const pid_t client = start_client(ready[1]);
    char c = 0;
    ASSERT_EQ(::read(ready[0], &c, 1), 1);
    EXPECT_EQ(agents().size(), 2U);
    for (const auto& [name, host] : hosts_)
        for (const auto* place : {"run", "dev/shm"})
            for (const auto& e : std::filesystem::directory_iterator(host.root / place))
                EXPECT_NE(e.path().filename().string().rfind("podroute", 0), 0U) << "unlinked while it runs";
    kill(client, SIGKILL);
    waitpid(client, nullptr, 0);
    for (const auto& [name, host] : hosts_) EXPECT_EQ(leftovers(host), kNothing);
}

TEST_F(Leftovers, AClientKilledAtAnyMomentLeavesNothing) {
    const auto& host = start();
    for (int ms = 2; ms < 160; ms += 6) {
        const pid_t client = start_client(STDERR_FILENO + 1000);
        std::this_thread::sleep_for(std::chrono::milliseconds(ms));
        kill(client, SIGKILL);
        waitpid(client, nullptr, 0);
        // The login that was underway may go on for a moment, and find nobody.
        EXPECT_EQ(leftovers(host), kNothing) << "killed after " << ms << " ms";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_EQ(leftovers(host), kNothing);
}

TEST_F(Leftovers, CancellingEndsAtOnceAndLeavesNothing) {
    for (int i = 0; i < 3; ++i) start();
    for (const int ms : {0, 20, 60, 400}) {
        std::stop_source cancel;
        const auto start_time = Clock::now();
        with_fleet(options(), cancel.get_token(), [&](Fleet& fleet) {
            std::jthread stopper([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(ms));
                cancel.request_stop();
            });
            fleet.run([&](const InventoryHost&, HostLink* link, const Unknown*) {
                // An answer that takes long: the call must not wait for it.
                if (link != nullptr)
                    static_cast<void>(link->call(Collect{20'000}, Clock::now() + std::chrono::seconds(30)));
            });
        });
        EXPECT_LT(Clock::now() - start_time, std::chrono::milliseconds(ms + 2500))
            << "cancelled after " << ms;
        for (const auto& [name, host] : hosts_) EXPECT_EQ(leftovers(host), kNothing);
    }
}

TEST_F(Leftovers, AKilledAgentIsToldBySignalAndLeavesNothing) {
    const auto& host = start();
    start();
    with_fleet(options(), {}, [&](Fleet& fleet) {
        fleet.run([](const InventoryHost&, HostLink* link, const Unknown*) {
            ASSERT_NE(link, nullptr);
            EXPECT_TRUE(link->call(Ping{}, Clock::now() + std::chrono::seconds(5)));
        });
        // Either of the two.
        ASSERT_EQ(agents().size(), 2U);
        kill(agents().front(), SIGKILL);
        std::atomic<int> dead = 0;
        fleet.run([&](const InventoryHost&, HostLink* link, const Unknown*) {
            const auto reply = link->call(Ping{}, Clock::now() + std::chrono::seconds(5));
            if (reply) return;
            ++dead;
            EXPECT_EQ(reply.error().code, "agent-failed");
            EXPECT_NE(reply.error().text.find("killed by signal 9"), std::string::npos) << reply.error().text;
            EXPECT_FALSE(link->call(Ping{}, Clock::now() + std::chrono::seconds(5))) << "dead is dead";
        });
        EXPECT_EQ(dead, 1);
    });
    EXPECT_EQ(leftovers(host), kNothing);
}

TEST_F(Leftovers, ADeadlineEndsACall) {
    start();
    with_fleet(options(), {}, [&](Fleet& fleet) {
        fleet.run([](const InventoryHost&, HostLink* link, const Unknown*) {
            ASSERT_NE(link, nullptr);
            for (const pid_t agent : agents()) kill(agent, SIGSTOP);
            const auto start_time = Clock::now();
            for (int i = 0; i < 2; ++i) {  // and it stays the reason
                const auto reply = link->call(Ping{}, Clock::now() + std::chrono::milliseconds(200));
                ASSERT_FALSE(reply);
                EXPECT_EQ(reply.error().text, "the host did not answer in 0.2 s");
            }
            EXPECT_LT(Clock::now() - start_time, std::chrono::seconds(2));
            for (const pid_t agent : agents()) kill(agent, SIGCONT);
        });
    });
    for (const auto& [name, host] : hosts_) EXPECT_EQ(leftovers(host), kNothing);
}

}  // namespace
}  // namespace podroute
