// Changes hosts, all at once and each on the session that is open: look, apply, look again, keep or take
// back.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hosts/fleet.h"
#include "model/fix.h"
#include "model/snapshot.h"

namespace podroute {

// What a run that died had left on a host, and what became of it when it was taken back now.
struct Recovered {
    std::string run;  // its id; empty: there was nothing
    std::vector<Change> changes;
    std::vector<ChangeOutcome> outcomes;  // of each change
};
// The code of an Unknown where another run is changing the host: it may still take back what it did.
inline constexpr std::string_view kFixerBusy = "fixer-busy";
// Before anything else a host is asked to finish the journal of a dead run. Unknown: why it could not; such a
// host must not be changed.
std::map<HostId, Observed<Recovered>> recover(Fleet& fleet, const std::stop_token& cancel);

struct RepairOptions {
    std::string run, started;               // of RunInfo; told to a second fixer
    std::uint32_t keep_within_ms = 30'000;  // the host takes its changes back unless they are kept by then
    // How a state is shown where a change was left alone; without it no state is shown.
    std::function<std::string(const Fix&, const std::optional<State>&)> show{};
};

// Applies those of `fixes` that are planned; the others are returned as they are, and all in their order.
// `proofs` are of each fix (none: nothing to look up). Per host: the kernel's answers must be those that the
// plan rests on, else a fix is refused; the agent applies what is as `before` says; the answers must then be
// the wanted ones, else everything of that host is taken back; then it is kept. A host whose session ends,
// and a run that is cancelled, keep nothing: the host takes its changes back by itself.
std::vector<Fix> repair(Fleet& fleet, std::vector<Fix> fixes, std::span<const std::vector<FixProof>> proofs,
                        const RepairOptions& options, const std::stop_token& cancel);

}  // namespace podroute
