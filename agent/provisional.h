// Changes that are taken back unless they are kept, and what a dead fixer left of such.
#pragma once

#include <functional>

#include "agent/apply.h"
#include "agent/journal.h"
#include "model/wire.h"

namespace podroute::agent {

// Where and when this is: what a journal says of its own changes.
struct Place {
    JournalFolder folder;
    std::string boot, network;
    static Place here(const std::string& directory = kJournalDirectory);
};

// Of one Apply. Not thread-safe, and there is at most one in a network namespace: who holds the fixer's
// socket.
class Provisional {
  public:
    Provisional(Objects& objects, Place place) : objects_(objects), place_(std::move(place)) {}

    // Plans, journals, applies. `go_on` is asked before each write. ApplyReply, or Refused "journal" with
    // nothing changed. To be called once.
    Reply apply(const Apply& request, const std::function<std::optional<std::string>()>& go_on);
    // From here on the changes stay: the journal is gone. KeepReply, or Refused "journal" where it cannot be
    // removed; then the changes are to be taken back.
    Reply keep();
    // Takes back, last first, what apply() wrote. The journal goes too, unless something failed and nobody
    // is `told` of it: then it is for the next run.
    RevertReply revert(bool told);

  private:
    Objects& objects_;
    Place place_;
    std::string journal_;  // its path, empty where there is none
    std::vector<Planned> planned_;
    std::vector<bool> attempted_;
};

// Takes back what the first journal here says, and removes it; `told` as above. Clears what is left of one
// that was not written to its end. To be called by the holder of the fixer's socket. RecoverReply, or Refused
// "journal" for one that is damaged, which is left alone.
Reply recover(Objects& objects, const Place& place, bool told);

}  // namespace podroute::agent
