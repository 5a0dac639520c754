// Gather, then rounds.
#include "hosts/observe.h"

#include <algorithm>
#include <mutex>

#include "hosts/ask.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kGatherTime = std::chrono::seconds(20);
constexpr auto kLookupTime = std::chrono::seconds(10);
constexpr auto kSlack = std::chrono::seconds(5);  // beyond what the agent itself waits
constexpr unsigned kMaxRounds = 16;               // a planner that never ends is a bug, not a long run

// Why a host is unknown from here on, or for this round; `refusal` is the code where the agent said no.
Unknown unknown_for(const InventoryHost& host, const Error& error, std::string_view refusal,
                    const std::stop_token& cancel) {
    if (cancel.stop_requested()) return {"the run was cancelled", "", ""};
    if (error.code == kRefused) return {"the agent could not do it: " + error.text, std::string(refusal), ""};
    return {error.text, "agent-failed", "ssh " + host.name + " journalctl -n 50 -t sshd"};
}

Gather gather_request(const Inventory& inventory, const InventoryHost& host) {
    Gather gather;
    gather.own = host.pod_cidrs;
    for (const auto& h : inventory.hosts) {
        gather.nodes.insert(gather.nodes.end(), h.addresses.begin(), h.addresses.end());
        gather.pod_cidrs.insert(gather.pod_cidrs.end(), h.pod_cidrs.begin(), h.pod_cidrs.end());
    }
    return gather;
}

class Round {
  public:
    Round(const RoundPlan& plan, Prober& prober, const std::stop_token& cancel)
        : plan_(plan), prober_(prober), cancel_(cancel) {
        for (const auto& [host, task] : plan.tasks) caught_.emplace(host, HostCatch{});
    }

    Caught run(Fleet& fleet) {
        // All hosts listen before any sends; nobody's late answers are missed, because all collect once more
        // when all are done.
        each(fleet,
             [&](const HostId&, const HostTask& t, HostLink& l, HostCatch& c) { return prepare(t, l, c); });
        each(fleet,
             [&](const HostId& h, const HostTask& t, HostLink& l, HostCatch& c) { return fire(h, t, l, c); });
        each(fleet, [&](const HostId& h, const HostTask& t, HostLink& l, HostCatch& c) {
            return collect(h, t, l, c, 0);
        });
        return std::move(caught_);
    }

  private:
    template <class Step>
    void each(Fleet& fleet, Step step) {
        fleet.run([&](const InventoryHost& host, HostLink* link, const Unknown* unknown) {
            const auto task = plan_.tasks.find(host.name);
            if (task == plan_.tasks.end()) return;
            auto& mine = caught_.at(host.name);
            if (!mine.known()) return;
            if (link == nullptr || cancel_.stop_requested()) {
                mine = unknown != nullptr ? *unknown : Unknown{"the run was cancelled", "", ""};
                return;
            }
            if (auto good = step(host.name, task->second, *link, *mine); !good)
                mine = unknown_for(host, good.error(), "probe-unavailable", cancel_);
        });
    }

    Result<void> prepare(const HostTask& task, HostLink& link, HostCatch& caught) {
        if (!task.captures.empty() || !task.listeners.empty())
            if (auto r = ask<ArmReply>(link, Arm{task.captures, task.listeners}, kLookupTime); !r)
                return tl::unexpected(r.error());
        if (!task.lookups.empty()) {
            auto r = ask<LookupReply>(link, Lookup{task.lookups}, kLookupTime);
            if (!r) return tl::unexpected(r.error());
            caught.lookups = std::move(r->answers);
        }
        if (!task.solicitations.empty()) {
            auto r = ask<SolicitReply>(link, Solicit{task.solicitations, plan_.wait_ms},
                                       std::chrono::milliseconds(plan_.wait_ms) + kSlack);
            if (!r) return tl::unexpected(r.error());
            caught.solicited = std::move(r->neighbours);
        }
        return {};
    }

    Result<void> fire(const HostId& host, const HostTask& task, HostLink& link, HostCatch& caught) {
        if (task.frames.empty()) return {};
        if (auto r = ask<FireReply>(link, Fire{task.frames}, kLookupTime); !r)
            return tl::unexpected(r.error());
        return collect(host, task, link, caught, plan_.wait_ms);
    }

    Result<void> collect(const HostId& host, const HostTask& task, HostLink& link, HostCatch& caught,
                         std::uint32_t wait_ms) {
        if (task.captures.empty()) return {};
        const auto until = Clock::now() + std::chrono::milliseconds(wait_ms);
        do {
            const auto left = std::max<std::int64_t>(
                0, std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count());
            auto r = ask<CollectReply>(link, Collect{static_cast<std::uint32_t>(left)},
                                       std::chrono::milliseconds(left) + kSlack);
            if (!r) return tl::unexpected(r.error());
            caught.frames.insert(caught.frames.end(), std::make_move_iterator(r->frames.begin()),
                                 std::make_move_iterator(r->frames.end()));
        } while (Clock::now() < until && !cancel_.stop_requested() && !complete(host, caught));
        return {};
    }

    bool complete(const HostId& host, const HostCatch& caught) {
        const std::scoped_lock lock(prober_mutex_);
        return prober_.complete(plan_, host, caught.frames);
    }

    const RoundPlan& plan_;
    Prober& prober_;
    const std::stop_token& cancel_;
    Caught caught_;  // every host's entry is there before the threads start; each touches its own
    std::mutex prober_mutex_;
};

}  // namespace

Snapshot observe(Fleet& fleet, Snapshot start, Prober& prober, const std::stop_token& cancel,
                 const Progress& progress) {
    Snapshot snapshot = std::move(start);
    std::mutex mutex;
    ProgressEvent state{"reaching hosts", 0, 0, snapshot.inventory.hosts.size()};
    const auto tell = [&] {
        if (progress) progress(state);
    };
    tell();
    fleet.run([&](const InventoryHost& host, HostLink* link, const Unknown* unknown) {
        Observed<HostFacts> facts =
            unknown != nullptr ? Observed<HostFacts>(*unknown) : Observed<HostFacts>();
        if (link != nullptr) {
            {
                const std::scoped_lock lock(mutex);
                ++state.reached;
                if (state.reached == state.total) state.phase = "reading facts";
                tell();
            }
            auto reply = ask<HostFacts>(*link, gather_request(snapshot.inventory, host), kGatherTime);
            if (reply) {
                reply->login_user = link->login_user();
                facts = std::move(*reply);
            } else {
                facts = unknown_for(host, reply.error(), "agent-failed", cancel);
            }
        }
        const std::scoped_lock lock(mutex);
        if (facts.known()) ++state.read;
        snapshot.hosts[host.name] = std::move(facts);
        tell();
    });
    for (unsigned i = 0; i < kMaxRounds && !cancel.stop_requested(); ++i) {
        const auto plan = prober.next(snapshot);
        if (!plan) break;
        state.phase = "asking neighbours";
        tell();
        snapshot.rounds.push_back(prober.read(*plan, Round(*plan, prober, cancel).run(fleet)));
    }
    snapshot.run.cancelled = cancel.stop_requested();
    return snapshot;
}

}  // namespace podroute
