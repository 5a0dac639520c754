// Conversations with the watchdog, and the takeover when it is dead.
#include "agent/fixer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "agent/fixer_socket.h"
#include "agent/kernel_objects.h"
#include "agent/waiting.h"
#include "agent/watchdog_start.h"

namespace podroute::agent {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kHolderAnswers{2'000};
constexpr milliseconds kWatchdogStarts{15'000};
constexpr milliseconds kRevertTakes{20'000};  // many objects on a slow machine
constexpr milliseconds kLook{10};
constexpr milliseconds kSocketGoes{2'000};  // of a process that is ending
constexpr std::size_t kLastWords = 200;     // bytes

Refused no_privilege() {
    return {{"no-privilege", "only root may change a host: log in as root, or with --sudo", ""}};
}

// The fixer's socket, also where its dead holder is not quite gone. Errors: "fixer-busy".
Result<Descriptor> hold_after_death() {
    const auto until = Clock::now() + kSocketGoes;
    for (;;) {
        auto held = hold_fixer();
        if (held || Clock::now() >= until) return held;
        std::this_thread::sleep_for(kLook);
    }
}

std::string count_of(const std::vector<ChangeOutcome>& outcomes, FixStatus status) {
    return std::to_string(std::count_if(outcomes.begin(), outcomes.end(),
                                        [&](const ChangeOutcome& o) { return o.status == status; }));
}

}  // namespace

Result<void> Fixer::engage(const Apply& request) {
    const WatchdogOptions options{request.run, request.started, getpid()};
    auto words = to_words(options);
    const std::array<char*, 3> pointers{words[0].data(), words[1].data(), words[2].data()};
    if (!parse_words(pointers)) return failure("bad-message", "the run has no proper id or start time");
    const auto present = contact_fixer(kHolderAnswers);
    if (!present) return tl::unexpected(present.error());
    if (*present) return tl::unexpected(busy((*present)->holder));
    const auto life = start_watchdog(options, started_++);
    if (!life) return tl::unexpected(life.error());
    auto met = meet(life->get());
    // Its own watchdog has found another one, but may not know it yet: it must not hold the socket behind our
    // back.
    if (!met && life->open()) static_cast<void>(last_words(life->get(), kSocketGoes, kLastWords));
    return met;
}

// Connects to the watchdog that was started. `life` is readable when it ends, or negative.
Result<void> Fixer::meet(int life) {
    auto until = Clock::now() + kWatchdogStarts;
    std::optional<std::string> said;
    while (Clock::now() < until && controller_there()) {
        auto contact = contact_fixer(kHolderAnswers);
        if (!contact) return tl::unexpected(contact.error());
        // One that says nothing is just ending.
        const bool present = *contact && ((*contact)->holder.user != 0 || !(*contact)->holder.run.empty());
        if (present && ((*contact)->holder.user != 0 || (*contact)->holder.agent != getpid()))
            return tl::unexpected(busy((*contact)->holder));
        if (present) {
            watchdog_ = std::move((*contact)->socket);
            reader_ = MessageReader(watchdog_.get());
            return {};
        }
        // Without a word it was killed. Else it has met another one, of whom more is heard in a moment.
        if (said && said->empty()) break;
        pollfd ended{said ? -1 : life, POLLIN, 0};
        if (poll(&ended, 1, static_cast<int>(kLook.count())) <= 0) continue;
        said = last_words(life, kSocketGoes, kLastWords);
        until = std::min(until, Clock::now() + kSocketGoes);
    }
    if (said && !said->empty()) return failure("fixer-busy", *said);
    return failure("watchdog", "the watchdog did not start");
}

Reply Fixer::apply(const Apply& request) {
    if (geteuid() != 0) return no_privilege();
    if (const auto good = engage(request); !good) return Refused{good.error()};
    changes_.clear();
    for (const auto& change : request.changes) changes_.push_back(normalised(change));
    outcomes_.assign(changes_.size(), {FixStatus::refused, "it was not reached", {}});
    over_.reset();
    settled_ = false;
    auto reply = ask(request);
    if (!reply) return over();
    if (const auto* applied = std::get_if<ApplyReply>(&*reply))
        outcomes_ = applied->outcomes;
    else
        dismiss();
    return std::move(*reply);
}

Reply Fixer::keep() {
    if (!watchdog_.open()) return over();
    const auto applied = outcomes_;
    auto reply = ask(Keep{});
    // Without a journal changes are kept: the watchdog died behind its removal. (Or behind a revert.)
    if (!reply && !journal_found_ && stand(applied)) return KeepReply{};
    if (!reply) return over();
    dismiss();
    if (auto* reverted = std::get_if<RevertReply>(&*reply)) {
        note(std::move(*reverted), {"reverted", "the time to keep the changes had passed", ""});
        return over();
    }
    return std::move(*reply);
}

Reply Fixer::revert() {
    if (!watchdog_.open()) return settled_ ? Reply{RevertReply{outcomes_}} : over();
    auto reply = ask(Revert{});
    if (!reply) return settled_ ? Reply{RevertReply{outcomes_}} : over();
    dismiss();
    if (const auto* reverted = std::get_if<RevertReply>(&*reply))
        note(*reverted, {"reverted", "the changes were taken back", ""});
    return std::move(*reply);
}

Reply Fixer::recover() {
    if (geteuid() != 0) return no_privilege();
    const auto present = contact_fixer(kHolderAnswers);
    if (!present) return Refused{present.error()};
    if (*present) return Refused{busy((*present)->holder)};
    const auto place = Place::here();
    const auto something = place.folder.exists();
    if (!something) return Refused{something.error()};
    if (!*something) return RecoverReply{};
    const auto held = hold_fixer();
    if (!held) return Refused{held.error()};
    KernelObjects objects(netlink_);
    return agent::recover(objects, place, true);
}

// Nothing where the watchdog is dead; then its work has been taken over. While it works the controller may
// go: then it is told so, and takes back what it did.
std::optional<Reply> Fixer::ask(const Request& request) {
    auto reply = write_all(watchdog_.get(), encode(request)) ? next_reply(true) : std::nullopt;
    if (!reply) take_over();
    return reply;
}

std::optional<Reply> Fixer::next_reply(bool with_controller) {
    auto until = Clock::now() + kRevertTakes;
    for (bool gone = !with_controller; !gone || Clock::now() < until;) {
        if (!gone && !controller_there()) {
            gone = true;
            until = Clock::now() + kRevertTakes;
            shutdown(watchdog_.get(), SHUT_WR);
        }
        pollfd p{watchdog_.get(), POLLIN, 0};
        if (poll(&p, 1, static_cast<int>(kLook.count())) <= 0) continue;
        const auto body = reader_.next(kRevertTakes);
        if (!body) return std::nullopt;
        auto reply = decode_reply(*body);
        return reply ? std::optional(std::move(*reply)) : std::nullopt;
    }
    return std::nullopt;
}

void Fixer::notice() {
    const auto reply = next_reply(false);
    if (const auto* reverted = reply ? std::get_if<RevertReply>(&*reply) : nullptr) {
        dismiss();
        note(*reverted, {"reverted", "the time to keep the changes had passed", ""});
        return;
    }
    take_over();
}

void Fixer::end() {
    if (!watchdog_.open()) return;
    shutdown(watchdog_.get(), SHUT_WR);
    if (next_reply(false))
        dismiss();
    else
        take_over();
}

// The watchdog is dead, and what it left is in its journal. Another fixer that holds the socket by now does
// the same before anything else.
void Fixer::take_over() {
    watchdog_.reset();
    journal_found_ = true;
    over_ = Error{"watchdog", "the watchdog died, and another fixer is at work", ""};
    const auto held = hold_after_death();
    if (!held) return;
    KernelObjects objects(netlink_);
    const auto reply = agent::recover(objects, Place::here(), false);
    if (const auto* refused = std::get_if<Refused>(&reply)) {
        over_->text = "the watchdog died, and its changes could not be taken back: " + refused->error.text;
        return;
    }
    const auto& recovered = std::get<RecoverReply>(reply);
    journal_found_ = !recovered.run.empty();
    settled_ = true;
    for (std::size_t i = 0; i < recovered.changes.size(); ++i)
        for (std::size_t k = 0; k < changes_.size(); ++k)
            if (changes_[k].object == recovered.changes[i].object) outcomes_[k] = recovered.outcomes[i];
    if (!journal_found_)
        for (auto& outcome : outcomes_)
            if (outcome.status == FixStatus::applied)
                outcome = {FixStatus::reverted, "by a watchdog that died afterwards", {}};
    over_->text =
        "the watchdog died; of its changes " + count_of(outcomes_, FixStatus::reverted) + " were taken back";
    if (const auto failed = count_of(outcomes_, FixStatus::failed); failed != "0")
        over_->text += ", " + failed + " could not be";
}

// Its answer was its last. It lets go of the fixer's socket before it closes this one.
void Fixer::dismiss() {
    pollfd p{watchdog_.get(), POLLIN, 0};
    poll(&p, 1, static_cast<int>(kSocketGoes.count()));
    watchdog_.reset();
}

bool Fixer::stand(const std::vector<ChangeOutcome>& outcomes) {
    KernelObjects objects(netlink_);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i].status != FixStatus::applied) continue;
        const auto now = objects.read(changes_[i]);
        if (!now || !is_as(now->state, changes_[i].after)) return false;
    }
    return true;
}

void Fixer::note(RevertReply reply, Error why) {
    outcomes_ = std::move(reply.outcomes);
    settled_ = true;
    over_ = std::move(why);
}

Reply Fixer::over() const {
    return over_ ? Refused{*over_} : nothing_applied();
}

Reply Fixer::nothing_applied() const {
    return Refused{{"nothing-applied", "nothing was applied over this connection", ""}};
}

}  // namespace podroute::agent
