// Gather, then rounds.
#include "hosts/observe.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "hosts/ask.h"
#include "hosts/collect.h"
#include "model/collect.h"

namespace podroute {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kGatherTime = std::chrono::seconds(20);
constexpr auto kLookupTime = std::chrono::seconds(10);
constexpr auto kPodTime = std::chrono::seconds(10);
constexpr auto kSlack = std::chrono::seconds(5);  // beyond what the agent itself waits
constexpr unsigned kMaxRounds = 24;               // a planner that never ends is a bug, not a long run

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

// Takes out of a task what needs pods that are not there. Of the frames that stay, their places in the task.
std::vector<std::uint32_t> without_pods(HostTask& task) {
    const auto absent = [&](std::uint32_t number) {
        return std::any_of(task.pods.begin(), task.pods.end(),
                           [&](const PodSpec& p) { return p.number == number; });
    };
    std::erase_if(task.captures, [&](const Capture& c) { return absent(c.pod); });
    std::erase_if(task.listeners, [&](const Listener& l) { return absent(l.pod); });
    std::vector<std::uint32_t> places;
    for (std::size_t i = 0; i < task.frames.size(); ++i)
        if (!absent(task.frames[i].pod)) places.push_back(static_cast<std::uint32_t>(i));
    std::erase_if(task.frames, [&](const Frame& f) { return absent(f.pod); });
    return places;
}

// The whole of a Fire: its bytes take their time to the host, and its last frame leaves when its own has
// come.
Clock::duration time_to_send(const std::vector<Frame>& frames) {
    constexpr std::size_t kSlowest = 256;  // bytes a millisecond
    std::uint64_t last = 0;
    std::size_t bytes = 0;
    for (const auto& f : frames) {
        last = std::max(last, f.time_us);
        bytes += f.bytes.size();
    }
    return std::chrono::microseconds(last) + std::chrono::milliseconds(bytes / kSlowest) + kLookupTime;
}

class Round {
  public:
    Round(const RoundPlan& plan, Prober& prober, const std::stop_token& cancel)
        : plan_(plan), prober_(prober), cancel_(cancel) {
        for (const auto& [host, task] : plan.tasks) {
            caught_.emplace(host, HostCatch{});
            reduced_.emplace(host, Reduced{});
        }
    }

    Caught run(Fleet& fleet) {
        // All hosts listen before any sends, and none waits before all have sent: what it waits for may be
        // another's to send. Nobody's late answers are missed, because all collect once more when all are
        // done.
        each(fleet, [&](const HostId& h, HostLink& l, HostCatch& c) { return prepare(h, l, c); });
        each(fleet, [&](const HostId& h, HostLink& l, HostCatch& c) { return fire(h, l, c); });
        each(fleet, [&](const HostId& h, HostLink& l, HostCatch& c) { return await(h, l, c); });
        each(fleet, [&](const HostId& h, HostLink& l, HostCatch& c) { return collect(h, l, c, 0); });
        return std::move(caught_);
    }

  private:
    // What is left of a task on a host that refused its pods.
    struct Reduced {
        std::optional<HostTask> task;
        std::vector<std::uint32_t> places;  // of its frames in the whole task
    };

    template <class Step>
    void each(Fleet& fleet, Step step) {
        fleet.run([&](const InventoryHost& host, HostLink* link, const Unknown* unknown) {
            if (!plan_.tasks.contains(host.name)) return;
            auto& mine = caught_.at(host.name);
            if (!mine.known()) return;
            if (link == nullptr || cancel_.stop_requested()) {
                mine = unknown != nullptr ? *unknown : Unknown{"the run was cancelled", "", ""};
                return;
            }
            if (auto good = step(host.name, *link, *mine); !good)
                mine = unknown_for(host, good.error(), "probe-unavailable", cancel_);
        });
    }

    const HostTask& task_of(const HostId& host) const {
        const auto& reduced = reduced_.at(host).task;
        return reduced ? *reduced : plan_.tasks.at(host);
    }

    // Refused pods leave a reduced task; any other failure is the host's.
    Result<void> open_pods(const HostId& host, HostLink& link, HostCatch& caught) {
        const auto& task = plan_.tasks.at(host);
        if (task.pods.empty()) return {};
        auto opened = ask<OpenPodReply>(link, OpenPod{task.pods}, kPodTime);
        if (opened) {
            caught.pods = std::move(opened->pods);
            return {};
        }
        if (opened.error().code != kRefused) return tl::unexpected(opened.error());
        caught.pods_refused = Error{"pod-unavailable", opened.error().text, opened.error().where};
        auto& reduced = reduced_.at(host);
        reduced.task = task;
        reduced.places = without_pods(*reduced.task);
        return {};
    }

    Result<void> prepare(const HostId& host, HostLink& link, HostCatch& caught) {
        if (auto opened = open_pods(host, link, caught); !opened) return opened;
        const auto& task = task_of(host);
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

    Result<void> fire(const HostId& host, HostLink& link, HostCatch& caught) {
        const auto& task = task_of(host);
        if (task.frames.empty()) return {};
        auto r = ask<FireReply>(link, Fire{task.frames}, time_to_send(task.frames));
        if (!r) return tl::unexpected(r.error());
        if (r->started_us > kLatestTime)
            return failure("agent-failed", "the agent gives a time that no clock has");
        caught.fired_us = r->started_us;
        const auto& reduced = reduced_.at(host);
        for (auto u : r->unsent) {
            if (u.index >= task.frames.size())
                return failure("agent-failed", "the agent speaks of a frame that it was not given");
            if (reduced.task) u.index = reduced.places[u.index];
            caught.unsent.push_back(u);
        }
        return {};
    }

    // Not asked is who has nothing to wait for: the agent would take the whole time to say so.
    Result<void> await(const HostId& host, HostLink& link, HostCatch& caught) {
        if (complete(host, caught)) return {};
        return collect(host, link, caught, plan_.wait_ms);
    }

    Result<void> collect(const HostId& host, HostLink& link, HostCatch& caught, std::uint32_t wait_ms) {
        if (task_of(host).captures.empty()) return {};
        return podroute::collect(link, caught, std::chrono::milliseconds(wait_ms),
                                 [&] { return cancel_.stop_requested() || complete(host, caught); });
    }

    bool complete(const HostId& host, const HostCatch& caught) {
        const std::scoped_lock lock(prober_mutex_);
        return prober_.complete(plan_, host, caught.frames);
    }

    const RoundPlan& plan_;
    Prober& prober_;
    const std::stop_token& cancel_;
    // Every host's entries are there before the threads start; each touches its own.
    Caught caught_;
    std::map<HostId, Reduced> reduced_;
    std::mutex prober_mutex_;
};

std::string_view phase_of(const RoundPlan& plan) {
    return plan.stage == RoundStage::neighbours ? "asking neighbours" : "sending probes";
}

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
        state.phase = phase_of(*plan);
        tell();
        snapshot.rounds.push_back(prober.read(*plan, Round(*plan, prober, cancel).run(fleet)));
    }
    snapshot.run.cancelled = cancel.stop_requested();
    return snapshot;
}

}  // namespace podroute
