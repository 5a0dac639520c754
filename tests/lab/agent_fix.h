// A host whose routes, neighbours and sysctls are changed by an agent, with a /run of its own.
//
//   this process, namespace of the test: eth0 (10.240.0.20/24, fd00:240::20/64) ── far0
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/fixer_socket.h"
#include "tests/lab/agent_lab.h"

namespace podroute {

class AgentFix : public AgentLab {
  protected:
    static constexpr auto kRun = "run1";
    static constexpr auto kStarted = "2026-11-24T10:00:00Z";
    static constexpr auto kFolder = "/run/podroute";

    void SetUp() override;
    void TearDown() override;  // nothing of a fix is left

    // An agent that was greeted.
    std::unique_ptr<LocalAgentLink> agent(const Hello& hello = {},
                                          const LocalAgentLink::Options& options = {});
    static Apply request(std::vector<Change> changes, std::uint32_t keep_within_ms = 60'000,
                         const std::string& run = kRun);
    std::vector<ChangeOutcome> apply(LocalAgentLink& link, std::vector<Change> changes,
                                     std::uint32_t keep_within_ms = 60'000);
    // The code of a refusal.
    Error refusal(LocalAgentLink& link, const Request& request);

    // A route of protocol 112 by way of eth0, as a change from nothing to it.
    Change added(const std::string& destination, const std::string& gateway, std::uint32_t metric = 0) const;
    Route route(const std::string& destination, const std::string& gateway, std::uint32_t metric = 0,
                std::uint8_t protocol = 112) const;

    // All that a change may touch, as text.
    static std::string state();
    static std::vector<std::string> journals();
    // The watchdog there is now; pid 0 for none.
    static agent::Holder holder();
    // Ends a process of these tests, and waits until it is gone.
    static void kill_process(pid_t pid, int signal);

    std::uint32_t eth0 = 0;
};

Change from_to(const Route& before, const Route& after);
Change removed(const Route& route);
RouteObject object_of(const Route& route);

// True as soon as `condition` is, false after 20 s.
bool eventually(const std::function<bool()>& condition);

}  // namespace podroute
