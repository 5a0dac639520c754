// The two loops over changes.
#include "agent/apply.h"

#include <algorithm>

namespace podroute::agent {
namespace {

ChangeOutcome refused(std::string reason, std::optional<State> found = {}) {
    return {FixStatus::refused, std::move(reason), std::move(found)};
}
ChangeOutcome failed(std::string reason, std::optional<State> found = {}) {
    return {FixStatus::failed, std::move(reason), std::move(found)};
}

std::string cannot_read(const Error& error) {
    return "it could not be read: " + error.text;
}

// The outcome of what needs no writing; of what does, "applied" in advance.
Planned plan_one(Objects& objects, Change change) {
    if (auto good = well_formed(change); !good) return {std::move(change), refused(good.error().text)};
    auto now = objects.read(change);
    if (!now) return {std::move(change), refused(cannot_read(now.error()))};
    auto decision = decide_apply(change, *now);
    Planned planned{std::move(change), {}, decision.kind == Decision::Kind::write};
    planned.outcome.found = std::move(now->state);
    planned.outcome.reason = std::move(decision.reason);
    planned.outcome.status = decision.kind == Decision::Kind::leave     ? FixStatus::refused
                             : decision.kind == Decision::Kind::nothing ? FixStatus::already
                                                                        : FixStatus::applied;
    if (planned.outcome.status == FixStatus::already) planned.outcome.reason = "it is so already";
    return planned;
}

// Writes `to` and reads it back.
ChangeOutcome put(Objects& objects, const Change& change, const std::optional<State>& from,
                  const std::optional<State>& to, FixStatus good) {
    const auto written = objects.write(change.object, from, to);
    auto now = objects.read(change);
    std::optional<State> found = now ? std::move(now->state) : std::nullopt;
    if (!written) return failed(written.error().text, std::move(found));
    if (!now) return failed(cannot_read(now.error()));
    if (!is_as(found, to)) {
        auto reason = "it was written, but now it is otherwise: " + describe(found);
        return failed(std::move(reason), std::move(found));
    }
    return {good, "", std::move(found)};
}

}  // namespace

std::vector<Planned> plan(Objects& objects, std::span<const Change> changes) {
    std::vector<Planned> all;
    all.reserve(changes.size());
    for (const auto& wanted : changes) {
        auto change = normalised(wanted);
        const bool again = std::any_of(all.begin(), all.end(), [&](const Planned& earlier) {
            return earlier.change.object == change.object;
        });
        all.push_back(again
                          ? Planned{std::move(change), refused("an earlier change is about the same object")}
                          : plan_one(objects, std::move(change)));
    }
    return all;
}

void apply(Objects& objects, std::vector<Planned>& planned, const std::function<void(std::size_t)>& attempted,
           const std::function<std::optional<std::string>()>& go_on) {
    bool good = true;
    for (std::size_t i = 0; i < planned.size(); ++i) {
        auto& one = planned[i];
        if (!one.write) continue;
        const auto stop = good ? go_on() : std::optional<std::string>("an earlier change failed");
        if (stop) {
            one.outcome = refused(*stop, one.change.before);
            continue;
        }
        // Once more: what was planned may be a while ago.
        one = plan_one(objects, std::move(one.change));
        if (!one.write) continue;
        attempted(i);
        one.outcome = put(objects, one.change, one.outcome.found, one.change.after, FixStatus::applied);
        good = one.outcome.status == FixStatus::applied;
    }
}

ChangeOutcome revert(Objects& objects, const Change& change) {
    const auto now = objects.read(change);
    if (!now) return failed(cannot_read(now.error()));
    const auto decision = decide_revert(change, *now);
    switch (decision.kind) {
        case Decision::Kind::leave:
            return refused(decision.reason, now->state);
        case Decision::Kind::nothing:
            return {FixStatus::reverted, "it was so already", now->state};
        case Decision::Kind::write:
            break;
    }
    return put(objects, change, now->state, revert_goal(change, *now), FixStatus::reverted);
}

std::vector<ChangeOutcome> revert_all(Objects& objects, std::span<const Change> changes) {
    std::vector<ChangeOutcome> outcomes(changes.size());
    for (std::size_t i = changes.size(); i-- > 0;) outcomes[i] = revert(objects, changes[i]);
    return outcomes;
}

}  // namespace podroute::agent
