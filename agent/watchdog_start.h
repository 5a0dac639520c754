// Starting the watchdog where it outlives the agent, the session and sshd.
#pragma once

#include "agent/descriptor.h"
#include "agent/watchdog.h"
#include "model/result.h"

namespace podroute::agent {

enum class StartBy {
    service,  // by systemd-run(1): a unit of its own, so that the end of the session's cgroup is not its end
    fork,     // twice, in a session of its own
};
// Where the first process is systemd and shares our network and PID namespace: elsewhere a service would be
// started on another host than ours.
StartBy way_to_start();

// systemd-run and its words. `repeated` counts earlier watchdogs of this agent: their units may not be gone
// yet.
std::vector<std::string> service_command(const WatchdogOptions& options, unsigned repeated);

// Starts this very program as a watchdog. That it runs is seen by its socket. What is returned ends with it,
// and may hold its last words; closed, it tells a watchdog that was not met yet to end (not open for a
// service). Errors: "watchdog", with what systemd-run says.
Result<Descriptor> start_watchdog(const WatchdogOptions& options, unsigned repeated);

}  // namespace podroute::agent
