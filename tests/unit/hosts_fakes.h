// Hosts that are only memory: what each is asked, and what it answers.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "hosts/observe.h"

namespace podroute {

// Answers by `answer`; remembers nothing.
class FakeLink final : public HostLink {
  public:
    using Answer = std::function<Result<Reply>(const Request&)>;
    explicit FakeLink(Answer answer) : answer_(std::move(answer)) {}
    Result<Reply> call(const Request& request, Deadline) override { return answer_(request); }

  private:
    Answer answer_;
};

// What was asked of whom, in order. Threads: any.
class Log {
  public:
    void add(const std::string& line) {
        const std::scoped_lock lock(mutex_);
        lines_.push_back(line);
    }
    std::vector<std::string> lines() const {
        const std::scoped_lock lock(mutex_);
        return lines_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

inline Reply plain_answer(const Request& request) {
    if (std::holds_alternative<Gather>(request)) return HostFacts{};
    if (const auto* l = std::get_if<Lookup>(&request))
        return LookupReply{std::vector<FibAnswer>(l->queries.size())};
    if (std::holds_alternative<Solicit>(request)) return SolicitReply{};
    if (std::holds_alternative<Arm>(request)) return ArmReply{};
    if (const auto* f = std::get_if<Fire>(&request))
        return FireReply{static_cast<std::uint32_t>(f->frames.size())};
    if (std::holds_alternative<Collect>(request)) return CollectReply{{Frame{}}, 0};
    if (std::holds_alternative<Bye>(request)) return ByeReply{};
    return PingReply{};
}

inline Inventory hosts_named(const std::vector<std::string>& names) {
    Inventory inventory;
    std::uint32_t address = 0x0af00014;
    for (const auto& name : names)
        inventory.hosts.push_back({name, name + ".k", {Address::v4(address++)}, {}, {1}});
    return inventory;
}

// One round for all hosts: a lookup, a capture, a frame; complete after `wanted` frames.
class OneRound : public Prober {
  public:
    explicit OneRound(std::size_t rounds = 1, std::size_t wanted = 1, std::uint32_t wait_ms = 2000)
        : rounds_(rounds), wanted_(wanted), wait_ms_(wait_ms) {}
    std::optional<RoundPlan> next(const Snapshot& snapshot) override {
        if (snapshot.rounds.size() >= rounds_) return std::nullopt;
        RoundPlan plan;
        plan.wait_ms = wait_ms_;
        for (const auto& h : snapshot.inventory.hosts)
            plan.tasks[h.name] = {{FibQuery{}}, {SolicitTarget{}}, {Capture{}}, {Frame{}}};
        return plan;
    }
    bool complete(const RoundPlan&, const HostId&, std::span<const Frame> frames) override {
        return frames.size() >= wanted_;
    }
    RoundResult read(const RoundPlan&, const Caught& caught) override {
        last = caught;
        RoundResult result;
        for (const auto& [host, c] : caught)
            result.hosts[host] = c.known() ? Observed<HostFindings>(HostFindings{c->lookups, {}, {}})
                                           : Observed<HostFindings>(c.unknown());
        return result;
    }
    Caught last;

  private:
    std::size_t rounds_, wanted_;
    std::uint32_t wait_ms_;
};

}  // namespace podroute
