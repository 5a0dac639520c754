// The observation loop over fake hosts: order, failures, cancelling.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "tests/unit/hosts_fakes.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;
using Opened = tl::expected<std::unique_ptr<HostLink>, Unknown>;
using Answer = std::function<Result<Reply>(const HostId&, const Request&)>;

const char* name_of(const Request& r) {
    constexpr std::array<const char*, 10> kNames{"hello", "gather",  "lookup", "solicit", "arm",
                                                 "fire",  "collect", "ping",   "bye",     "open"};
    return kNames.at(r.index());
}

struct Run {
    Snapshot snapshot;
    std::vector<std::string> log;
};

Run observe_fakes(const std::vector<std::string>& names, Prober& prober, const Answer& answer,
                  const std::stop_token& cancel = {}, const Progress& progress = {}) {
    Log log;
    Snapshot start;
    start.inventory = hosts_named(names);
    Run run;
    {
        Fleet fleet(start.inventory, [&](const InventoryHost& h) -> Opened {
            if (h.name == "down") return tl::unexpected(Unknown{"no answer", "host-unreachable", "ping"});
            return std::make_unique<FakeLink>([&, name = h.name](const Request& r) {
                log.add(name + " " + name_of(r));
                return answer(name, r);
            });
        });
        run.snapshot = observe(fleet, std::move(start), prober, cancel, progress);
    }
    run.log = log.lines();
    return run;
}

Result<Reply> good(const HostId&, const Request& request) {
    return plain_answer(request);
}

// The places in the log of what all hosts were asked.
std::pair<std::size_t, std::size_t> first_and_last(const std::vector<std::string>& log,
                                                   std::string_view what) {
    std::size_t first = log.size(), last = 0;
    for (std::size_t i = 0; i < log.size(); ++i)
        if (log[i].substr(log[i].find(' ') + 1) == what) first = std::min(first, i), last = i;
    return {first, last};
}

TEST(Observe, ReadsAllHostsAndNeverFiresBeforeAllListen) {
    std::vector<std::string> names;
    names.reserve(20);
    for (int i = 0; i < 20; ++i) names.push_back("node-" + std::to_string(i));
    OneRound prober;
    const auto run = observe_fakes(names, prober, good);
    EXPECT_EQ(run.snapshot.hosts.size(), 20U);
    for (const auto& [host, facts] : run.snapshot.hosts) EXPECT_TRUE(facts.known()) << host;
    ASSERT_EQ(run.snapshot.rounds.size(), 1U);
    EXPECT_LT(first_and_last(run.log, "gather").second, first_and_last(run.log, "arm").first);
    EXPECT_LT(first_and_last(run.log, "arm").second, first_and_last(run.log, "fire").first);
    EXPECT_FALSE(run.snapshot.run.cancelled);
}

TEST(Observe, CollectsOnceMoreWhenAllAreDone) {
    OneRound prober;
    const auto run = observe_fakes({"a", "b", "c"}, prober, good);
    // The last collect of every host comes after the last fire: arrivals of slower hosts are not missed.
    const auto last_fire = first_and_last(run.log, "fire").second;
    for (const auto* host : {"a collect", "b collect", "c collect"})
        EXPECT_NE(std::find(run.log.begin() + static_cast<long>(last_fire), run.log.end(), host),
                  run.log.end());
    for (const auto& [host, caught] : prober.last) EXPECT_EQ(caught->frames.size(), 2U) << host;
}

TEST(Observe, NobodyWaitsBeforeAllHaveSent) {
    OneRound prober;
    const auto run = observe_fakes({"a", "b", "c"}, prober, good);
    EXPECT_LT(first_and_last(run.log, "fire").second, first_and_last(run.log, "collect").first);
}

// "a" alone sends; "b" is to see two frames come in.
class OneSends : public OneRound {
  public:
    using OneRound::OneRound;
    std::optional<RoundPlan> next(const Snapshot& snapshot) override {
        auto plan = OneRound::next(snapshot);
        if (plan) plan->tasks.at("b").frames.clear();
        return plan;
    }
};

TEST(Observe, AHostThatSendsNothingWaitsForWhatItIsToSee) {
    OneSends prober(1, 2);
    const auto run = observe_fakes({"a", "b"}, prober, good);
    EXPECT_EQ(std::count(run.log.begin(), run.log.end(), "b fire"), 0);
    EXPECT_EQ(prober.last.at("b")->frames.size(), 3U) << "two, and what the last look brought";
}

TEST(Observe, AHostThatIsToSeeNothingIsAskedOnce) {
    OneSends prober(1, 0);
    const auto run = observe_fakes({"a", "b"}, prober, good);
    EXPECT_EQ(std::count(run.log.begin(), run.log.end(), "b collect"), 1);
}

TEST(Observe, CollectsUntilTheHostsOwnAnswersAreIn) {
    OneRound prober(1, 5);
    const auto run = observe_fakes({"a"}, prober, good);
    EXPECT_EQ(std::count(run.log.begin(), run.log.end(), "a collect"), 6);
}

TEST(Observe, AHostThatIsDownIsUnknownWithItsCauseAndTheOthersGoOn) {
    OneRound prober;
    const auto run = observe_fakes({"a", "down", "b"}, prober, good);
    EXPECT_TRUE(run.snapshot.hosts.at("a").known());
    EXPECT_EQ(run.snapshot.hosts.at("down").unknown().code, "host-unreachable");
    EXPECT_EQ(run.snapshot.hosts.at("down").unknown().help, "ping");
    EXPECT_EQ(run.snapshot.rounds.at(0).hosts.at("down").unknown().code, "host-unreachable");
    EXPECT_TRUE(run.snapshot.rounds.at(0).hosts.at("b").known());
}

TEST(Observe, AHostThatDiesInARoundKeepsItsFacts) {
    OneRound prober(2);
    std::atomic<int> fired = 0;
    const auto run =
        observe_fakes({"a", "b"}, prober, [&](const HostId& host, const Request& r) -> Result<Reply> {
            if (host == "b" && std::holds_alternative<Fire>(r)) ++fired;
            if (host == "b" && fired > 0) return failure("agent-failed", "the agent was killed by signal 9");
            return plain_answer(r);
        });
    EXPECT_TRUE(run.snapshot.hosts.at("b").known());
    ASSERT_EQ(run.snapshot.rounds.size(), 2U);
    for (const auto& round : run.snapshot.rounds) {
        EXPECT_TRUE(round.hosts.at("a").known());
        EXPECT_EQ(round.hosts.at("b").unknown().code, "agent-failed");
        EXPECT_EQ(round.hosts.at("b").unknown().why, "the agent was killed by signal 9");
    }
    EXPECT_EQ(fired, 1) << "the dead host is not asked to fire again in the second round";
}

TEST(Observe, AnAgentThatMayNotSendIsNotADeadOne) {
    OneRound prober;
    const auto run = observe_fakes({"a"}, prober, [](const HostId&, const Request& r) -> Result<Reply> {
        if (std::holds_alternative<Arm>(r)) return Refused{{"packet-socket", "Operation not permitted", ""}};
        return plain_answer(r);
    });
    EXPECT_TRUE(run.snapshot.hosts.at("a").known());
    EXPECT_EQ(run.snapshot.rounds.at(0).hosts.at("a").unknown().code, "probe-unavailable");
}

TEST(Observe, AnAnswerOfAnotherKindIsAFailureNotAnEmptyAnswer) {
    OneRound prober(0);
    const auto run = observe_fakes(
        {"a"}, prober, [](const HostId&, const Request&) -> Result<Reply> { return PingReply{}; });
    EXPECT_EQ(run.snapshot.hosts.at("a").unknown().code, "agent-failed");
}

TEST(Observe, CancellingEndsSoonAndBlamesNoHost) {
    std::stop_source cancel;
    OneRound prober(1, 1000, 60'000);
    const auto start = Clock::now();
    std::jthread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        cancel.request_stop();
    });
    const auto run = observe_fakes(
        {"a", "b"}, prober,
        [&](const HostId&, const Request& r) -> Result<Reply> {
            if (!std::holds_alternative<Collect>(r)) return plain_answer(r);
            // As a link over SSH: the call fails when the run is cancelled.
            while (!cancel.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return failure("agent-failed", "closed");
        },
        cancel.get_token());
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(2));
    EXPECT_TRUE(run.snapshot.run.cancelled);
    EXPECT_TRUE(run.snapshot.hosts.at("a").known()) << "what was read is kept";
    EXPECT_EQ(run.snapshot.rounds.at(0).hosts.at("a").unknown().code, "");
    EXPECT_EQ(run.snapshot.rounds.at(0).hosts.at("a").unknown().why, "the run was cancelled");
}

// Two pods on every host, a capture, a listener and a frame in each, and one of each on the host itself.
class PodRound : public OneRound {
  public:
    std::optional<RoundPlan> next(const Snapshot& snapshot) override {
        auto plan = OneRound::next(snapshot);
        if (!plan) return plan;
        for (auto& [host, task] : plan->tasks) {
            task.captures.clear(), task.frames.clear();
            for (const std::uint32_t number : {1U, 0U, 2U}) {
                if (number != 0) task.pods.emplace_back().number = number;
                task.captures.push_back({0, {}, 256, 16, number, true});
                task.listeners.emplace_back().pod = number;
                task.frames.push_back({0, 0, {static_cast<std::uint8_t>(number)}, number});
            }
        }
        return plan;
    }
};

TEST(Observe, OpensPodsBeforeAnybodyFiresAndKeepsWhatTheAgentSays) {
    PodRound prober;
    const auto run =
        observe_fakes({"a", "b", "c"}, prober, [](const HostId&, const Request& r) -> Result<Reply> {
            if (const auto* open = std::get_if<OpenPod>(&r)) {
                EXPECT_EQ(open->pods.size(), 2U);
                return OpenPodReply{{OpenedPod{}, OpenedPod{}}};
            }
            if (const auto* fire = std::get_if<Fire>(&r)) {
                EXPECT_EQ(fire->frames.size(), 3U);
                return FireReply{2, {{1, 90}}, 1234};
            }
            if (std::holds_alternative<Collect>(r)) return CollectReply{{Frame{}}, 2};
            return plain_answer(r);
        });
    EXPECT_LT(first_and_last(run.log, "open").second, first_and_last(run.log, "fire").first);
    for (const auto& [host, caught] : prober.last) {
        ASSERT_TRUE(caught.known());
        EXPECT_EQ(caught->pods.size(), 2U);
        EXPECT_FALSE(caught->pods_refused);
        EXPECT_EQ(caught->unsent, (std::vector<Unsent>{{1, 90}}));
        EXPECT_EQ(caught->fired_us, 1234U);
        EXPECT_EQ(caught->dropped, 4U) << "of both collections";
    }
}

TEST(Observe, AHostWithoutPodsDoesTheRestOfItsTask) {
    PodRound prober;
    const auto run =
        observe_fakes({"a", "b"}, prober, [](const HostId& host, const Request& r) -> Result<Reply> {
            const std::size_t parts = host == "a" ? 1 : 3;
            if (std::holds_alternative<OpenPod>(r))
                return host == "a" ? Reply{Refused{{"pod-unavailable", "another answers", "10.200.0.201"}}}
                                   : Reply{OpenPodReply{{OpenedPod{}, OpenedPod{}}}};
            if (const auto* arm = std::get_if<Arm>(&r)) {
                EXPECT_EQ(arm->captures.size(), parts);
                EXPECT_EQ(arm->listeners.size(), parts);
                EXPECT_EQ(arm->captures.at(parts / 2).pod, 0U);
            }
            if (const auto* fire = std::get_if<Fire>(&r)) {
                EXPECT_EQ(fire->frames.size(), parts);
                if (host == "a") return FireReply{0, {{0, 1}}, 9};
            }
            return plain_answer(r);
        });
    const auto& refused = prober.last.at("a");
    ASSERT_TRUE(refused.known()) << "only its pods are unavailable";
    ASSERT_TRUE(refused->pods_refused);
    EXPECT_EQ(refused->pods_refused->code, "pod-unavailable");
    EXPECT_EQ(refused->pods_refused->where, "10.200.0.201");
    EXPECT_TRUE(refused->pods.empty());
    EXPECT_FALSE(refused->lookups.empty());
    EXPECT_EQ(refused->unsent, (std::vector<Unsent>{{1, 1}})) << "places are those of the whole task";
    EXPECT_FALSE(prober.last.at("b")->pods_refused);
}

TEST(Observe, AnAgentThatDiesOpeningPodsIsUnknownInTheRound) {
    PodRound prober;
    const auto run =
        observe_fakes({"a", "b"}, prober, [](const HostId& host, const Request& r) -> Result<Reply> {
            if (host == "a" && std::holds_alternative<OpenPod>(r)) return failure("agent-failed", "killed");
            if (std::holds_alternative<OpenPod>(r)) return OpenPodReply{};
            return plain_answer(r);
        });
    EXPECT_EQ(run.snapshot.rounds.at(0).hosts.at("a").unknown().code, "agent-failed");
    EXPECT_TRUE(run.snapshot.rounds.at(0).hosts.at("b").known());
}

TEST(Observe, AnAgentThatSpeaksOfAFrameItWasNotGivenHasFailed) {
    OneRound prober;
    const auto run = observe_fakes({"a"}, prober, [](const HostId&, const Request& r) -> Result<Reply> {
        if (std::holds_alternative<Fire>(r)) return FireReply{0, {{7, 1}}, 0};
        return plain_answer(r);
    });
    EXPECT_EQ(run.snapshot.rounds.at(0).hosts.at("a").unknown().code, "agent-failed");
}

TEST(Observe, APlannerWithoutEndIsStopped) {
    OneRound prober(1'000'000);
    EXPECT_LE(observe_fakes({"a"}, prober, good).snapshot.rounds.size(), 24U);
}

TEST(Observe, ProgressCountsUpToAllHosts) {
    OneRound prober(0);
    std::vector<std::pair<std::size_t, std::size_t>> seen;
    observe_fakes({"a", "b", "down"}, prober, good, {}, [&](const ProgressEvent& e) {
        EXPECT_EQ(e.total, 3U);
        const auto before = seen.empty() ? 0 : seen.back().first + seen.back().second;
        EXPECT_GE(e.reached + e.read, before);
        seen.emplace_back(e.reached, e.read);
    });
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back(), (std::pair<std::size_t, std::size_t>{2, 2}));
}

TEST(Observe, EveryHostIsToldOfAllPodNetworksAndItsOwn) {
    Snapshot start;
    start.inventory =
        *parse_machines_txt("10.0.0.1 a.k a 10.200.0.0/24\n10.0.0.2 b.k b 10.200.1.0/24\n", "m");
    std::atomic<int> right = 0;
    OneRound prober(0);
    Fleet fleet(start.inventory, [&](const InventoryHost& h) -> Opened {
        return std::make_unique<FakeLink>([&, own = h.pod_cidrs](const Request& r) -> Result<Reply> {
            if (const auto* g = std::get_if<Gather>(&r))
                right += g->own == own && g->pod_cidrs.size() == 2 && g->nodes.size() == 2 ? 1 : 0;
            return plain_answer(r);
        });
    });
    observe(fleet, start, prober, {});
    EXPECT_EQ(right, 2);
}

}  // namespace
}  // namespace podroute
