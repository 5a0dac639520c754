// Repairing over fake hosts: the order of what is asked, and what becomes of fixes when something fails.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "hosts/repair.h"
#include "tests/unit/hosts_fakes.h"

namespace podroute {
namespace {

using Opened = tl::expected<std::unique_ptr<HostLink>, Unknown>;

Address address(const std::string& text) {
    return Address::parse(text).value();
}

FibAnswer by_default() {
    FibAnswer answer;
    answer.query.destination = address("10.200.1.1");
    answer.type = RouteType::unicast;
    answer.matched = Prefix::any(Family::v4);
    answer.next_hops = {{address("10.240.0.1"), 2, 0, 1}};
    return answer;
}
FibAnswer by_route() {
    FibAnswer answer = by_default();
    answer.matched = Prefix::parse("10.200.1.0/24").value();
    answer.next_hops = {{address("10.240.0.21"), 2, 0, 1}};
    return answer;
}

Fix fix_on(const HostId& host) {
    Fix fix;
    fix.id = host + "/route-missing/10.200.1.0/24";
    fix.host = host;
    fix.cause = "route-missing";
    Route route;
    route.destination = Prefix::parse("10.200.1.0/24").value();
    route.protocol = 112;
    route.next_hops = {{address("10.240.0.21"), 2, 0, 1}};
    fix.change = {RouteObject{route.destination}, std::nullopt, State{route}};
    return fix;
}

// A host that does as it is told, and what of it goes wrong.
struct Behaviour {
    FibAnswer before = by_default(), after = by_route();
    FixStatus outcome = FixStatus::applied;
    std::string refusal;  // code of an Apply that is refused
    std::optional<State> found;
    std::string dies_at;  // the request that gets no answer
    FixStatus reverts = FixStatus::reverted;
    std::function<void(const std::string&)> at{};  // called with each request's name
};

const char* name_of(const Request& r) {
    constexpr std::array<const char*, 14> kNames{"hello", "gather",  "lookup", "solicit", "arm",
                                                 "fire",  "collect", "ping",   "bye",     "pod",
                                                 "apply", "keep",    "revert", "recover"};
    return kNames.at(r.index());
}

class FakeHost {
  public:
    explicit FakeHost(Behaviour behaviour) : behaviour_(std::move(behaviour)) {}

    Result<Reply> answer(const Request& request) {
        const std::string name = name_of(request);
        if (behaviour_.at) behaviour_.at(name);
        if (dead_ || name == behaviour_.dies_at) {
            dead_ = true;
            return failure("agent-failed", "connection reset");
        }
        if (const auto* lookup = std::get_if<Lookup>(&request))
            return LookupReply{std::vector<FibAnswer>(lookup->queries.size(),
                                                      applied_ ? behaviour_.after : behaviour_.before)};
        if (const auto* apply = std::get_if<Apply>(&request)) return on_apply(*apply);
        if (std::holds_alternative<Revert>(request))
            return RevertReply{std::vector<ChangeOutcome>(changes_, {behaviour_.reverts, "busy", {}})};
        if (std::holds_alternative<Keep>(request)) return KeepReply{};
        return plain_answer(request);
    }

  private:
    Reply on_apply(const Apply& apply) {
        if (!behaviour_.refusal.empty())
            return Refused{{behaviour_.refusal, "run abc is at work, pid 7", ""}};
        applied_ = true;
        changes_ = apply.changes.size();
        return ApplyReply{std::vector<ChangeOutcome>(
            changes_,
            {behaviour_.outcome, behaviour_.outcome == FixStatus::applied ? "" : "the agent says why",
             behaviour_.found})};
    }

    Behaviour behaviour_;
    bool applied_ = false, dead_ = false;
    std::size_t changes_ = 0;
};

struct Outcome {
    std::vector<Fix> fixes;
    std::vector<std::string> log;
};

Outcome repaired(const std::map<HostId, Behaviour>& hosts, std::vector<Fix> fixes,
                 const std::stop_token& cancel = {},
                 RepairOptions options = {"run-1", "2026-01-01T00:00:00Z"}) {
    Log log;
    std::map<HostId, FakeHost> fakes;
    std::vector<std::string> names;
    for (const auto& [name, behaviour] : hosts) {
        fakes.emplace(name, behaviour);
        names.push_back(name);
    }
    const std::vector<std::vector<FixProof>> proofs(fixes.size(),
                                                    {FixProof{by_default(), by_route().next_hops}});
    Outcome outcome;
    {
        Fleet fleet(hosts_named(names), [&](const InventoryHost& h) -> Opened {
            if (h.name == "down") return tl::unexpected(Unknown{"no answer", "host-unreachable", ""});
            return std::make_unique<FakeLink>([&, name = h.name](const Request& r) {
                if (!std::holds_alternative<Ping>(r)) log.add(name + " " + name_of(r));
                return fakes.at(name).answer(r);
            });
        });
        outcome.fixes = repair(fleet, std::move(fixes), proofs, options, cancel);
    }
    outcome.log = log.lines();
    return outcome;
}

Fix one(const Behaviour& behaviour, const std::stop_token& cancel = {}) {
    return repaired({{"a", behaviour}}, {fix_on("a")}, cancel).fixes.at(0);
}

bool says(const Fix& fix, const std::string& part) {
    return fix.reason.find(part) != std::string::npos;
}

TEST(Repair, LooksAppliesLooksAgainAndKeeps) {
    const auto done = repaired({{"a", {}}}, {fix_on("a")});
    EXPECT_EQ(done.fixes.at(0).status, FixStatus::applied);
    EXPECT_EQ(done.fixes.at(0).reason, "");
    EXPECT_EQ(done.log, (std::vector<std::string>{"a lookup", "a apply", "a lookup", "a keep"}));
}

TEST(Repair, NothingPlannedIsNothingAsked) {
    Fix refused = fix_on("a");
    refused.status = FixStatus::refused;
    refused.reason = "why";
    const auto done = repaired({{"a", {}}}, {refused});
    EXPECT_EQ(done.fixes.at(0), refused);
    EXPECT_TRUE(done.log.empty());
}

TEST(Repair, AnAnswerThatChangedSinceThePlanIsRefused) {
    Behaviour changed;
    changed.before.next_hops[0].gateway = address("10.240.0.99");
    const auto done = repaired({{"a", changed}}, {fix_on("a")});
    EXPECT_EQ(done.fixes.at(0).status, FixStatus::refused);
    EXPECT_TRUE(says(done.fixes.at(0), "changed since it was planned: 10.200.1.1: 0.0.0.0/0 via 10.240.0.99"))
        << done.fixes.at(0).reason;
    EXPECT_EQ(done.log, std::vector<std::string>{"a lookup"}) << "nothing was applied";
}

// As by another run at the same time: what the change was to bring about is there.
TEST(Repair, AnAnswerThatBecameTheWantedOneSinceThePlanIsAlreadySo) {
    Behaviour mended;
    mended.before = mended.after;
    const auto done = repaired({{"a", mended}}, {fix_on("a")});
    EXPECT_EQ(done.fixes.at(0).status, FixStatus::already) << done.fixes.at(0).reason;
    EXPECT_EQ(done.log, std::vector<std::string>{"a lookup"}) << "nothing was applied";
}

TEST(Repair, WhatALookupDoesNotShowIsTakenBack) {
    Behaviour deaf;
    deaf.after = by_default();
    const auto done = repaired({{"a", deaf}}, {fix_on("a")});
    EXPECT_EQ(done.fixes.at(0).status, FixStatus::reverted);
    EXPECT_TRUE(says(done.fixes.at(0), "a lookup does not show it: 10.200.1.1: 0.0.0.0/0 via 10.240.0.1"));
    EXPECT_EQ(done.log, (std::vector<std::string>{"a lookup", "a apply", "a lookup", "a revert"}));
}

TEST(Repair, WhatCannotBeTakenBackHasFailed) {
    Behaviour stuck;
    stuck.after = by_default();
    stuck.reverts = FixStatus::failed;
    const Fix fix = one(stuck);
    EXPECT_EQ(fix.status, FixStatus::failed);
    EXPECT_TRUE(says(fix, "could not be taken back: busy")) << fix.reason;
}

TEST(Repair, ASecondFixerIsTold) {
    Behaviour busy;
    busy.refusal = "fixer-busy";
    const Fix fix = one(busy);
    EXPECT_EQ(fix.status, FixStatus::refused);
    EXPECT_EQ(fix.reason, "run abc is at work, pid 7");
}

TEST(Repair, AnObjectThatIsNotAsItWasIsLeftAlone) {
    Behaviour other;
    other.outcome = FixStatus::refused;
    other.after = by_default();
    RepairOptions options{"run-1", "now"};
    options.show = [](const Fix&, const std::optional<State>& state) {
        return state ? "a state" : "nothing";
    };
    const auto done = repaired({{"a", other}}, {fix_on("a")}, {}, options);
    EXPECT_EQ(done.fixes.at(0).status, FixStatus::refused);
    EXPECT_EQ(done.fixes.at(0).reason, "the agent says why");
    EXPECT_EQ(done.log.back(), "a keep") << "nothing was applied, nothing has to be taken back";
    other.found = State{std::string("1")};
    const auto found = repaired({{"a", other}}, {fix_on("a")}, {}, options);
    EXPECT_EQ(found.fixes.at(0).reason, "it is no longer as it was: found a state");
}

TEST(Repair, AlreadyIsNotApplied) {
    Behaviour done;
    done.outcome = FixStatus::already;
    EXPECT_EQ(one(done).status, FixStatus::already);
}

TEST(Repair, AHostThatDiesKeepsNothingAndTheOthersGoOn) {
    for (const char* request : {"lookup", "apply", "keep"}) {
        Behaviour dying;
        dying.dies_at = request;
        const auto done = repaired({{"a", dying}, {"b", {}}}, {fix_on("a"), fix_on("b")});
        EXPECT_EQ(done.fixes.at(0).status, FixStatus::failed) << request;
        EXPECT_TRUE(says(done.fixes.at(0), "connection reset")) << done.fixes.at(0).reason;
        EXPECT_EQ(done.fixes.at(1).status, FixStatus::applied) << request;
        const bool kept = std::find(done.log.begin(), done.log.end(), "a keep") != done.log.end();
        EXPECT_EQ(kept, request == std::string("keep"));
    }
}

TEST(Repair, AHostThatDiesBeforeTheProofTakesItBackByItself) {
    Behaviour dying;
    int lookups = 0;
    dying.at = [&](const std::string& name) { lookups += name == "lookup" ? 1 : 0; };
    FakeHost host(dying);
    Log log;
    std::vector<Fix> fixes;
    {
        Fleet fleet(hosts_named({"a"}), [&](const InventoryHost&) -> Opened {
            return std::make_unique<FakeLink>([&](const Request& r) -> Result<Reply> {
                auto reply = host.answer(r);
                const bool dead = lookups == 2 && !std::holds_alternative<Ping>(r);
                return dead ? failure("agent-failed", "connection reset") : std::move(reply);
            });
        });
        const std::vector<std::vector<FixProof>> proofs{{FixProof{by_default(), by_route().next_hops}}};
        fixes = repair(fleet, {fix_on("a")}, proofs, {"run-1", "now"}, {});
    }
    EXPECT_EQ(fixes.at(0).status, FixStatus::reverted);
    EXPECT_TRUE(says(fixes.at(0), "the host takes it back by itself")) << fixes.at(0).reason;
}

TEST(Repair, AStoppedRunKeepsNothing) {
    for (const char* request : {"apply", "lookup"}) {
        std::stop_source stop;
        Behaviour host;
        host.at = [&](const std::string& name) {
            if (name == request) stop.request_stop();
        };
        const auto done = repaired({{"a", host}}, {fix_on("a")}, stop.get_token());
        EXPECT_EQ(std::find(done.log.begin(), done.log.end(), "a keep"), done.log.end()) << request;
        EXPECT_NE(done.fixes.at(0).status, FixStatus::applied) << request;
        EXPECT_TRUE(says(done.fixes.at(0), "the run was stopped")) << done.fixes.at(0).reason;
    }
}

TEST(Repair, AHostThatIsNotReachedHasFailed) {
    const auto done = repaired({{"down", {}}}, {fix_on("down")});
    EXPECT_EQ(done.fixes.at(0).status, FixStatus::failed);
    EXPECT_EQ(done.fixes.at(0).reason, "no answer");
}

TEST(Repair, AnAgentThatIsNotCompleteIsNotBelieved) {
    Fleet fleet(hosts_named({"a"}), [&](const InventoryHost&) -> Opened {
        return std::make_unique<FakeLink>([&](const Request& r) -> Result<Reply> {
            if (std::holds_alternative<Apply>(r)) return ApplyReply{};
            return plain_answer(r);
        });
    });
    const auto fixes = repair(fleet, {fix_on("a")}, {}, {"run-1", "now"}, {});
    EXPECT_EQ(fixes.at(0).status, FixStatus::failed);
}

TEST(Recover, EachHostSaysWhatItFound) {
    Fleet fleet(hosts_named({"dead-run", "clean", "busy", "down"}), [&](const InventoryHost& h) -> Opened {
        if (h.name == "down") return tl::unexpected(Unknown{"no answer", "host-unreachable", ""});
        return std::make_unique<FakeLink>([name = h.name](const Request& r) -> Result<Reply> {
            if (!std::holds_alternative<Recover>(r)) return plain_answer(r);
            if (name == "busy") return Refused{{"fixer-busy", "run abc is at work", ""}};
            if (name == "clean") return RecoverReply{};
            return RecoverReply{"old", {fix_on("a").change}, {{FixStatus::reverted, "", {}}}};
        });
    });
    const auto found = recover(fleet, {});
    EXPECT_EQ(found.at("dead-run")->run, "old");
    EXPECT_EQ(found.at("dead-run")->changes.size(), 1U);
    EXPECT_EQ(found.at("clean")->run, "");
    EXPECT_EQ(found.at("busy").unknown().why, "run abc is at work");
    EXPECT_EQ(found.at("busy").unknown().code, kFixerBusy);
    EXPECT_EQ(found.at("down").unknown().code, "host-unreachable");
}

TEST(Observe, ReadsTwiceOnTheSameSessions) {
    std::atomic<int> opened = 0, gathered = 0;
    Fleet fleet(hosts_named({"a", "b"}), [&](const InventoryHost&) -> Opened {
        ++opened;
        return std::make_unique<FakeLink>([&](const Request& r) -> Result<Reply> {
            gathered += std::holds_alternative<Gather>(r) ? 1 : 0;
            return plain_answer(r);
        });
    });
    Snapshot start;
    start.inventory = hosts_named({"a", "b"});
    OneRound first, second;
    const Snapshot before = observe(fleet, start, first, {});
    const Snapshot after = observe(fleet, start, second, {});
    EXPECT_EQ(opened, 2);
    EXPECT_EQ(gathered, 4);
    EXPECT_EQ(before.hosts, after.hosts);
    EXPECT_EQ(after.rounds.size(), 1U);
}

}  // namespace
}  // namespace podroute
