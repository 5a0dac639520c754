// How an agent begins and ends. Nothing here touches a network: no request that reads or sends packets is
// made.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "fixtures/fakes/local_agent_link.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

Deadline soon() {
    return Clock::now() + 20s;
}

std::unique_ptr<LocalAgentLink> start(const LocalAgentLink::Options& options = {},
                                      const std::string& program = PODROUTE_AGENT_FILE) {
    auto link = LocalAgentLink::start(program, options);
    EXPECT_TRUE(link) << link.error().text;
    return std::move(*link);
}

template <class T>
std::optional<T> ask(LocalAgentLink& link, const Request& request) {
    auto reply = link.call(request, soon());
    if (!reply || !std::holds_alternative<T>(*reply)) {
        ADD_FAILURE() << (reply ? "a reply of type " + std::to_string(reply->index()) : reply.error().text);
        return std::nullopt;
    }
    return std::get<T>(std::move(*reply));
}

// Exit code, minus the signal, or -1000 if it still runs at the deadline.
int ending(LocalAgentLink& link, std::chrono::milliseconds within) {
    const auto status = link.wait(Clock::now() + within);
    if (!status) return -1000;
    return WIFSIGNALED(*status) ? -WTERMSIG(*status) : WEXITSTATUS(*status);
}

std::string framed(std::string_view body) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(body.size() >> shift & 0xff));
    return out + std::string(body);
}

TEST(AgentLife, EchoesTheNonceAndLeavesOnBye) {
    auto link = start();
    const auto hello = ask<HelloReply>(*link, Hello{1, "n0nce", 60'000, 15'000});
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->nonce, "n0nce");
    EXPECT_EQ(hello->version, kWireVersion);
    EXPECT_EQ(hello->uid, geteuid());
    ask<PingReply>(*link, Ping{});
    ask<ByeReply>(*link, Bye{});
    EXPECT_EQ(ending(*link, 5s), 0);
    EXPECT_EQ(link->standard_error(), "");
}

TEST(AgentLife, EndsWithItsInput) {
    auto link = start();
    ask<HelloReply>(*link, Hello{});
    link->close_input();
    EXPECT_EQ(ending(*link, 2s), 0);
}

TEST(AgentLife, EndsWithItsInputAlsoWhileItCollects) {
    auto link = start();
    ask<HelloReply>(*link, Hello{});
    ASSERT_TRUE(link->send(encode(Collect{10'000}), soon()));
    link->close_input();
    EXPECT_EQ(ending(*link, 2s), 0);
}

TEST(AgentLife, EndsWhenNothingCameForTheHeartbeat) {
    auto link = start();
    ask<HelloReply>(*link, Hello{1, "", 60'000, 300});
    EXPECT_EQ(ending(*link, 3s), 0);
}

TEST(AgentLife, EndsInTheMiddleOfAMessageThatNeverComes) {
    auto link = start();
    ask<HelloReply>(*link, Hello{1, "", 60'000, 300});
    ASSERT_TRUE(link->send(std::string_view("\0\0\1\0half", 8), soon()));
    EXPECT_EQ(ending(*link, 3s), 0);
}

TEST(AgentLife, EndsAtTheDeadlineHoweverAliveTheControllerIs) {
    auto link = start();
    ask<HelloReply>(*link, Hello{1, "", 1000, 15'000});
    const auto began = Clock::now();
    while (Clock::now() < began + 10s && link->call(Ping{}, soon())) std::this_thread::sleep_for(20ms);
    EXPECT_EQ(ending(*link, 1s), -SIGALRM);
    EXPECT_LT(Clock::now() - began, 4s);
}

TEST(AgentLife, EndsWhenNobodyReadsItsAnswers) {
    auto link = start();
    ask<HelloReply>(*link, Hello{});
    link->close_output();
    ASSERT_TRUE(link->send(encode(Ping{}), soon()));
    EXPECT_EQ(ending(*link, 2s), 1);
}

TEST(AgentLife, RefusesWhatItDoesNotUnderstandAndGoesOn) {
    auto link = start();
    ask<HelloReply>(*link, Hello{});
    std::mt19937 random(7);
    for (int i = 0; i < 300; ++i) {
        std::string body(5 + random() % 200, '\0');
        for (auto& c : body) c = static_cast<char>(random());
        body[0] = static_cast<char>(200 + random() % 50);  // of no type there is
        ASSERT_TRUE(link->send(framed(body), soon()));
        const auto reply = link->receive(soon());
        ASSERT_TRUE(reply) << i << " " << reply.error().text;
        EXPECT_TRUE(std::holds_alternative<Refused>(*reply)) << i;
    }
    std::string nested("\0\0\0\0\0", 5);
    nested[2] = 1;  // a head of 65536 bytes
    ASSERT_TRUE(link->send(framed(nested + std::string(65536, '[')), soon()));
    ASSERT_TRUE(std::holds_alternative<Refused>(link->receive(soon()).value()));
    ask<PingReply>(*link, Ping{});
    ask<ByeReply>(*link, Bye{});
    EXPECT_EQ(ending(*link, 5s), 0);
    EXPECT_EQ(link->standard_error(), "");
}

TEST(AgentLife, EndsOnAMessageThatIsTooLarge) {
    for (const auto bytes : {std::string_view("\xff\xff\xff\xff", 4), std::string_view("\0\0\0\1", 4)}) {
        auto link = start();
        ASSERT_TRUE(link->send(bytes, soon()));
        EXPECT_EQ(ending(*link, 2s), 0);
    }
}

TEST(AgentLife, TakesItselfAwayAlsoByASymbolicLink) {
    std::string name = testing::TempDir() + "podroute-life-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    const std::filesystem::path base = name;
    std::filesystem::create_directory_symlink(base, base.string() + ".link");
    for (const auto& way : {base, std::filesystem::path(base.string() + ".link")}) {
        const auto own = base / "own";
        std::filesystem::create_directory(own);
        std::filesystem::copy_file(PODROUTE_AGENT_FILE, own / "agent");
        auto link = start({{"--unlink-self", way / "own"}, std::nullopt}, own / "agent");
        ask<PingReply>(*link, Ping{});
        EXPECT_FALSE(std::filesystem::exists(own)) << way;
    }
    // A directory that is not its own stays, and so does what is in it.
    std::ofstream(base / "other") << "kept";
    std::filesystem::copy_file(PODROUTE_AGENT_FILE, base / "agent");
    std::filesystem::create_directory(base / "not-mine");
    auto link = start({{"--unlink-self", base / "not-mine"}, std::nullopt}, base / "agent");
    ask<PingReply>(*link, Ping{});
    EXPECT_TRUE(std::filesystem::exists(base / "agent") && std::filesystem::exists(base / "not-mine"));
    std::filesystem::remove_all(base);
    std::filesystem::remove(base.string() + ".link");
}

TEST(AgentLife, WithoutRootItReadsButMayNotAsk) {
    ASSERT_EQ(geteuid(), 0U) << "needs root, to give it up";
    auto link = start({{}, 65534});
    EXPECT_EQ(ask<HelloReply>(*link, Hello{})->uid, 65534U);
    const auto facts = ask<HostFacts>(*link, Gather{});
    ASSERT_TRUE(facts);
    EXPECT_TRUE(facts->links.known() && facts->addresses.known() && facts->routes.known() &&
                facts->rules.known());
    EXPECT_TRUE(facts->neighbours.known() && facts->fib.known());
    ASSERT_FALSE(facts->firewall.known());
    EXPECT_NE(facts->firewall.unknown().why, "");
    const auto arm = ask<Refused>(*link, Arm{{{1, {{6, 0, 0, 0}}, 64, 1}}});
    EXPECT_EQ(arm->error.code, "packet-socket");
}

TEST(AgentLife, SaysWhatTheSessionSaysOfItself) {
    auto link = start({{"--ssh-connection", "192.0.2.1 50000 192.0.2.2 22"}, std::nullopt});
    EXPECT_EQ(ask<HostFacts>(*link, Gather{})->ssh_connection, "192.0.2.1 50000 192.0.2.2 22");
    EXPECT_EQ(ending(*start({{"--no-such-option"}, std::nullopt}), 2s), 2);
}

}  // namespace
}  // namespace podroute
