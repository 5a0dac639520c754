// One host's changes, from the last look before them to the word that they may stay.
#include "hosts/repair.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "hosts/ask.h"

namespace podroute {
namespace {

constexpr auto kLookupTime = std::chrono::seconds(10);
constexpr auto kChangeTime = std::chrono::seconds(20);  // a journal is written and a watchdog started
constexpr auto kRecoverTime = std::chrono::seconds(20);

std::multiset<std::pair<std::optional<Address>, std::uint32_t>> hops_of(const std::vector<NextHop>& hops) {
    std::multiset<std::pair<std::optional<Address>, std::uint32_t>> found;
    for (const NextHop& hop : hops) found.emplace(hop.gateway, hop.ifindex);
    return found;
}

bool same_answer(const FibAnswer& a, const FibAnswer& b) {
    if (a.error != 0 || b.error != 0) return a.error == b.error;
    const bool same_match = !a.matched || !b.matched || a.matched == b.matched;
    return a.type == b.type && same_match && hops_of(a.next_hops) == hops_of(b.next_hops);
}

bool proven(const FixProof& proof, const FibAnswer& answer) {
    if (proof.next_hops.empty()) return answer.error != proof.before.error;
    return answer.error == 0 && hops_of(answer.next_hops) == hops_of(proof.next_hops);
}

// "10.200.1.1: 0.0.0.0/0 via 10.240.0.1", "10.200.1.1: no route (error 101)"
std::string words(const FibAnswer& answer) {
    std::string text = answer.query.destination.to_string() + ": ";
    if (answer.error != 0) return text + "no route (error " + std::to_string(answer.error) + ")";
    text += answer.matched ? answer.matched->to_string() : "a route";
    for (const NextHop& hop : answer.next_hops)
        if (hop.gateway) text += " via " + hop.gateway->to_string();
    return text;
}

// One host's part. Its fixes are touched by this host's thread only.
class HostRepair {
  public:
    HostRepair(HostLink& link, std::vector<Fix>& fixes, std::span<const std::vector<FixProof>> proofs,
               std::vector<std::size_t> mine, const RepairOptions& options, const std::stop_token& cancel)
        : link_(link),
          fixes_(fixes),
          proofs_(proofs),
          mine_(std::move(mine)),
          options_(options),
          cancel_(cancel) {}

    void run() {
        if (!look_before()) return;
        std::erase_if(mine_, [&](std::size_t i) { return fixes_[i].status != FixStatus::planned; });
        if (mine_.empty()) return;
        if (cancel_.stop_requested())
            return end_all(FixStatus::refused, "the run was stopped before it was applied");
        if (!apply()) return;
        const std::string unproven = prove();
        if (!unproven.empty() || cancel_.stop_requested())
            return take_back(unproven.empty() ? "the run was stopped" : unproven);
        keep();
    }

  private:
    void end(std::size_t fix, FixStatus status, const std::string& reason) {
        fixes_[fix].status = status;
        fixes_[fix].reason = reason;
    }
    void end_all(FixStatus status, const std::string& reason) {
        for (const std::size_t i : mine_) end(i, status, reason);
    }
    // Why a call failed, in words for a fix.
    std::string lost(const Error& error) const {
        return cancel_.stop_requested() ? "the run was stopped" : "the session ended (" + error.text + ")";
    }

    // The kernel's answers to what the proofs of these fixes ask, in order.
    Result<std::vector<FibAnswer>> look(const std::vector<std::size_t>& fixes) {
        Lookup lookup;
        for (const std::size_t i : fixes)
            for (const FixProof& proof : proofs_of(i)) lookup.queries.push_back(proof.before.query);
        if (lookup.queries.empty()) return std::vector<FibAnswer>{};
        auto reply = ask<LookupReply>(link_, lookup, kLookupTime);
        if (!reply) return tl::unexpected(reply.error());
        if (reply->answers.size() != lookup.queries.size())
            return failure("agent-failed", "the agent left questions unanswered");
        for (std::size_t i = 0; i < reply->answers.size(); ++i) reply->answers[i].query = lookup.queries[i];
        return std::move(reply->answers);
    }

    bool look_before() {
        const auto answers = look(mine_);
        if (!answers) {
            end_all(FixStatus::failed, lost(answers.error()) + " before anything was changed");
            return false;
        }
        std::size_t at = 0;
        for (const std::size_t i : mine_) {
            const FibAnswer* changed = nullptr;
            bool wanted = true;
            for (const FixProof& proof : proofs_of(i)) {
                const FibAnswer& now = (*answers)[at++];
                if (!same_answer(proof.before, now)) changed = &now;
                wanted = wanted && proven(proof, now);
            }
            if (changed == nullptr) continue;
            // Another run may have done just this.
            if (wanted)
                end(i, FixStatus::already, "it became so since it was planned");
            else
                end(i, FixStatus::refused,
                    "the host's routing changed since it was planned: " + words(*changed));
        }
        return true;
    }

    bool apply() {
        Apply request{options_.run, options_.started, {}, options_.keep_within_ms};
        for (const std::size_t i : mine_) request.changes.push_back(fixes_[i].change);
        auto reply = ask<ApplyReply>(link_, request, kChangeTime);
        if (!reply && reply.error().code == kRefused) {
            end_all(FixStatus::refused, reply.error().text);
            return false;
        }
        if (!reply || reply->outcomes.size() != mine_.size()) {
            const std::string why = reply ? "the agent did not say what it did" : lost(reply.error());
            end_all(FixStatus::failed, why + " while it was applied; the host takes it back by itself");
            return false;
        }
        for (std::size_t i = 0; i < mine_.size(); ++i) take(mine_[i], reply->outcomes[i]);
        return true;
    }

    void take(std::size_t fix, const ChangeOutcome& outcome) {
        std::string reason = outcome.reason;
        // In the words of the report, which knows the names of links.
        const bool other = outcome.found != fixes_[fix].change.before;
        if (outcome.status == FixStatus::refused && other && options_.show)
            reason = "it is no longer as it was: found " + options_.show(fixes_[fix], outcome.found);
        end(fix, outcome.status, outcome.status == FixStatus::applied ? "" : reason);
    }

    std::vector<std::size_t> applied() const {
        std::vector<std::size_t> found;
        for (const std::size_t i : mine_)
            if (fixes_[i].status == FixStatus::applied) found.push_back(i);
        return found;
    }

    // What is not as it must be; empty if all is.
    std::string prove() {
        const auto fixes = applied();
        const auto answers = look(fixes);
        if (!answers) return lost(answers.error());
        std::size_t at = 0;
        for (const std::size_t i : fixes)
            for (const FixProof& proof : proofs_of(i))
                if (const FibAnswer& now = (*answers)[at++]; !proven(proof, now))
                    return "a lookup does not show it: " + words(now);
        return {};
    }

    void take_back(const std::string& why) {
        const auto reply = ask<RevertReply>(link_, Revert{}, kChangeTime);
        const bool told = reply && reply->outcomes.size() == mine_.size();
        for (std::size_t i = 0; i < mine_.size(); ++i) {
            if (fixes_[mine_[i]].status != FixStatus::applied) continue;
            if (!told) {
                end(mine_[i], FixStatus::reverted, why + "; the host takes it back by itself");
                continue;
            }
            const ChangeOutcome& outcome = reply->outcomes[i];
            const bool back = outcome.status == FixStatus::reverted || outcome.status == FixStatus::already;
            end(mine_[i], back ? FixStatus::reverted : FixStatus::failed,
                back ? why : why + ", and it could not be taken back: " + outcome.reason);
        }
    }

    // Without an answer it is open whether the word arrived.
    void keep() {
        const auto reply = ask<KeepReply>(link_, Keep{}, kChangeTime);
        if (reply) return;
        if (reply.error().code == kRefused)
            return take_back("the agent would not keep it: " + reply.error().text);
        for (const std::size_t i : applied())
            end(i, FixStatus::failed,
                lost(reply.error()) +
                    " while it was kept: the host has kept it, or takes it back by itself; verify tells "
                    "which");
    }

    std::span<const FixProof> proofs_of(std::size_t fix) const {
        return fix < proofs_.size() ? std::span<const FixProof>(proofs_[fix]) : std::span<const FixProof>();
    }

    HostLink& link_;
    std::vector<Fix>& fixes_;
    std::span<const std::vector<FixProof>> proofs_;
    std::vector<std::size_t> mine_;  // indices into both
    const RepairOptions& options_;
    const std::stop_token& cancel_;
};

Observed<Recovered> recover_host(HostLink& link) {
    auto reply = link.call(Recover{}, std::chrono::steady_clock::now() + kRecoverTime);
    if (!reply) return Unknown{reply.error().text, "", ""};
    if (const auto* refused = std::get_if<Refused>(&*reply))
        return Unknown{refused->error.text, refused->error.code == kFixerBusy ? std::string(kFixerBusy) : "",
                       ""};
    auto* found = std::get_if<RecoverReply>(&*reply);
    if (found == nullptr || found->outcomes.size() != found->changes.size())
        return Unknown{"the agent did not say what became of an earlier run's changes", "agent-failed", ""};
    return Recovered{std::move(found->run), std::move(found->changes), std::move(found->outcomes)};
}

}  // namespace

std::map<HostId, Observed<Recovered>> recover(Fleet& fleet, const std::stop_token& cancel) {
    std::map<HostId, Observed<Recovered>> found;
    std::mutex mutex;
    fleet.run([&](const InventoryHost& host, HostLink* link, const Unknown* unknown) {
        Observed<Recovered> mine = unknown != nullptr ? *unknown : Unknown{"the run was stopped", "", ""};
        if (link != nullptr && !cancel.stop_requested()) mine = recover_host(*link);
        const std::scoped_lock lock(mutex);
        found[host.name] = std::move(mine);
    });
    return found;
}

std::vector<Fix> repair(Fleet& fleet, std::vector<Fix> fixes, std::span<const std::vector<FixProof>> proofs,
                        const RepairOptions& options, const std::stop_token& cancel) {
    std::map<HostId, std::vector<std::size_t>> by_host;
    for (std::size_t i = 0; i < fixes.size(); ++i)
        if (fixes[i].status == FixStatus::planned) by_host[fixes[i].host].push_back(i);
    if (by_host.empty()) return fixes;
    fleet.run([&](const InventoryHost& host, HostLink* link, const Unknown* unknown) {
        const auto mine = by_host.find(host.name);
        if (mine == by_host.end()) return;
        if (link != nullptr) return HostRepair(*link, fixes, proofs, mine->second, options, cancel).run();
        const std::string why = unknown != nullptr ? unknown->why : "the host was not reached";
        for (const std::size_t i : mine->second) {
            Fix& fix = fixes[i];
            if (fix.status != FixStatus::planned && fix.status != FixStatus::applied) continue;
            fix.reason = why + (fix.status == FixStatus::applied
                                    ? ": the host has kept it, or takes it back by itself; verify tells"
                                    : "");
            fix.status = FixStatus::failed;
        }
    });
    return fixes;
}

}  // namespace podroute
