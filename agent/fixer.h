// The agent's side of a fix: finds out that it is alone, starts the watchdog, hands it what the controller
// asks for, and stands in for it where it is killed.
#pragma once

#include <optional>
#include <vector>

#include "agent/descriptor.h"
#include "agent/messages.h"
#include "agent/netlink.h"
#include "agent/provisional.h"
#include "agent/watchdog.h"

namespace podroute::agent {

class Fixer {
  public:
    explicit Fixer(Netlink& netlink) : netlink_(netlink) {}

    // The answers to the requests of those names. Refused: "no-privilege"; "fixer-busy" (who is at work);
    // "journal" (it cannot be written, is damaged, or one is to be recovered first); "watchdog" (it did not
    // start, or it died: then what it did has been taken back); "nothing-applied"; "reverted" (the time to
    // keep had passed, or the watchdog was told to end).
    Reply apply(const Apply& request);
    Reply keep();
    Reply revert();
    Reply recover();

    // To be polled while the controller says nothing; negative: nothing to watch.
    int descriptor() const { return watchdog_.get(); }
    // The watchdog says its last word, or died.
    void notice();
    // At the agent's end: what was not kept is taken back, and the watchdog has ended, when this returns; at
    // most some seconds.
    void end();

  private:
    Result<void> engage(const Apply& request);
    Result<void> meet(int life);
    std::optional<Reply> ask(const Request& request);
    std::optional<Reply> next_reply(bool with_controller);
    void take_over();
    void dismiss();
    bool stand(const std::vector<ChangeOutcome>& outcomes);
    void note(RevertReply reply, Error why);
    Reply over() const;
    Reply nothing_applied() const;

    Netlink& netlink_;
    Descriptor watchdog_;
    MessageReader reader_{-1};
    unsigned started_ = 0;                 // watchdogs
    std::vector<Change> changes_;          // of the last Apply, normalised
    std::vector<ChangeOutcome> outcomes_;  // of each, as they are now
    std::optional<Error> over_;            // why they were taken back without being asked for
    bool settled_ = false;                 // outcomes_ speak of the time after that
    bool journal_found_ = false;           // by the last take_over(), or it could not look
};

}  // namespace podroute::agent
