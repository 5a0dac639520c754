// Proxy commands and the watchdog, over local sockets only.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "hosts/transport.h"
#include "hosts/watchdog.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;
const LoginTarget kTarget{"node-0", "10.240.0.20", "root", 2222, true};

std::string read_some(int fd) {
    pollfd p{fd, POLLIN, 0};
    poll(&p, 1, 5000);
    std::string text(256, '\0');
    const ssize_t n = read(fd, text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

TEST(Proxy, TalksToTheCommandWithItsWordsExpanded) {
    auto t = connect_proxy(kTarget, "sh -c 'echo %h %p %r %n 100%%; exec cat'");
    ASSERT_TRUE(t);
    EXPECT_EQ(read_some(t->fd()), "10.240.0.20 2222 root node-0 100%\n");
    EXPECT_EQ(write(t->fd(), "ping", 4), 4);
    EXPECT_EQ(read_some(t->fd()), "ping");
}

TEST(Proxy, HasNoRoundTripOfOurs) {
    auto t = connect_proxy(kTarget, "cat");
    ASSERT_TRUE(t);
    EXPECT_FALSE(t->round_trip());
}

TEST(Tcp, TellsItsRoundTrip) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&at), size), 0);
    ASSERT_EQ(listen(listener, 1), 0);
    ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
    const LoginTarget target{"here", "127.0.0.1", "root", ntohs(at.sin_port), false};
    const auto t = connect_tcp(target, std::chrono::seconds(10), {});
    ASSERT_TRUE(t);
    ASSERT_TRUE(t->round_trip());
    EXPECT_GT(t->round_trip()->count(), 0);
    close(listener);
}

TEST(Proxy, ItsLastWordsAreKept) {
    auto t = connect_proxy(kTarget, "sh -c 'echo connect failed >&2'");
    ASSERT_TRUE(t);
    EXPECT_EQ(read_some(t->fd()), "") << "its end is ours";
    EXPECT_EQ(t->proxy_output(), "connect failed\n");
}

TEST(Proxy, OneThatDoesNotEndIsEndedAndWaitedFor) {
    const auto start = Clock::now();
    { ASSERT_TRUE(connect_proxy(kTarget, "sh -c 'trap : TERM; while :; do sleep 0.05; done'")); }
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
    EXPECT_EQ(errno, ECHILD);
}

bool ends_within(int fd, std::chrono::milliseconds time) {
    pollfd p{fd, POLLIN, 0};
    char c = 0;
    return poll(&p, 1, static_cast<int>(time.count())) == 1 && read(fd, &c, 1) == 0;
}

class WatchdogTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
    void TearDown() override {
        for (const int fd : ends_) close(fd);
    }
    std::array<int, 2> ends_{};
};

TEST_F(WatchdogTest, EndsASocketAtItsDeadline) {
    Watchdog dog{std::stop_token()};
    Watchdog::Guard guard(dog, ends_[0], Clock::now() + std::chrono::milliseconds(50));
    EXPECT_TRUE(ends_within(ends_[0], std::chrono::seconds(2)));
    EXPECT_TRUE(guard.fired());
}

TEST_F(WatchdogTest, ALaterDeadlineCounts) {
    Watchdog dog{std::stop_token()};
    Watchdog::Guard guard(dog, ends_[0], Clock::now() + std::chrono::milliseconds(100));
    guard.extend(Clock::time_point::max());
    EXPECT_FALSE(ends_within(ends_[0], std::chrono::milliseconds(300)));
    EXPECT_FALSE(guard.fired());
}

TEST_F(WatchdogTest, CancelEndsAllAtOnce) {
    std::stop_source cancel;
    Watchdog dog(cancel.get_token());
    Watchdog::Guard guard(dog, ends_[0], Clock::time_point::max());
    cancel.request_stop();
    EXPECT_TRUE(ends_within(ends_[0], std::chrono::milliseconds(500)));
}

}  // namespace
}  // namespace podroute
