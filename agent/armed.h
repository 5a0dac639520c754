// Everything that works while the agent waits: captures and listeners.
#pragma once

#include "agent/captures.h"
#include "agent/listeners.h"
#include "agent/messages.h"

namespace podroute::agent {

class Armed {
  public:
    // Replaces what was armed before. Errors: "packet-socket", "listener"; then nothing is.
    Result<void> arm(const Arm& request, const Pods& pods);
    // Nothing is armed any more.
    void close();
    // Answers and catches until a time, or until the controller is gone; once if the time is past.
    void attend(Clock::time_point until);
    // Waits until at least one frame is there, at most wait_ms; then takes all that are.
    CollectReply collect(std::uint32_t wait_ms);
    // Answers until standard input has something to read (true) or the time is past (false). `aside` is
    // looked at meanwhile.
    bool wait_for_input(std::chrono::milliseconds patience, const Aside& aside);

  private:
    // One wait and what came of it.
    void attend_once(Clock::time_point until);

    Captures captures_;
    Listeners listeners_;
};

}  // namespace podroute::agent
