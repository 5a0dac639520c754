// Changes applied and taken back, one after the other, each read before and after it is written.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "agent/objects.h"

namespace podroute::agent {

struct Planned {
    Change change;          // normalised
    ChangeOutcome outcome;  // so far: applied, with nothing done, where `write`
    bool write = false;
};
// What each change would do now; nothing is written. Refused are changes that are malformed, whose object is
// not as they expect, or whose object an earlier change is about.
std::vector<Planned> plan(Objects& objects, std::span<const Change> changes);

// Applies those of `planned` that are to be written. Before each write `attempted` is told its index, and
// `go_on` is asked: nothing, or why no more is to be written. After one that failed the rest is refused.
void apply(Objects& objects, std::vector<Planned>& planned, const std::function<void(std::size_t)>& attempted,
           const std::function<std::optional<std::string>()>& go_on);

// Takes one change back if its object still is as the change left it: reverted, refused (left alone), failed.
ChangeOutcome revert(Objects& objects, const Change& change);
// Of each change, the last first; outcomes in the order of the changes.
std::vector<ChangeOutcome> revert_all(Objects& objects, std::span<const Change> changes);

}  // namespace podroute::agent
