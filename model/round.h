// One round: what was asked of all hosts after their facts were read, and what it meant.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/inventory.h"
#include "model/probe.h"
#include "model/probe_script.h"
#include "model/wire.h"

namespace podroute {

// What a round is for.
enum class RoundStage : std::uint8_t {
    neighbours,  // who answers for which address
    pods,        // synthetic pods are opened
    main,        // every pair is probed
    detail,      // what the main round lost is looked at closer
    fixer        // asked nothing: hosts that another run was changing when this one had looked at them, each
                 // as an Unknown with the reason. What was seen there may still be taken back.
};

// Asked of one host in one round. Everything is optional; hosts with nothing to do are absent from the plan.
struct HostTask {
    std::vector<FibQuery> lookups;
    std::vector<SolicitTarget> solicitations;
    std::vector<Capture> captures;
    std::vector<Frame> frames;
    std::vector<PodSpec> pods{};  // opened before anything else, once a run
    std::vector<Listener> listeners{};
};

struct RoundPlan {
    std::map<HostId, HostTask> tasks;
    std::uint32_t wait_ms = 3000;  // the longest any answer is waited for
    RoundStage stage = RoundStage::neighbours;
    ProbeScript script{};  // what the frames of a round of probes are
};

// What came back from one host, raw.
struct HostCatch {
    std::vector<FibAnswer> lookups;
    std::vector<Neighbour> solicited;
    std::vector<Frame> frames;
    std::vector<OpenedPod> pods{};
    // Why none of the task's pods was opened; `where` is of taken_addresses(), if another would do. The rest
    // of the task was done, without the captures, listeners and frames of those pods.
    std::optional<Error> pods_refused{};
    std::vector<Unsent> unsent{};  // those the kernel did not take; index in the task's frames
    std::uint64_t fired_us{};      // when sending began, on the clock of `frames`; 0: nothing was sent
    std::uint32_t dropped{};       // caught but lost: a count of frames is then a lower bound
};
using Caught = std::map<HostId, Observed<HostCatch>>;

// Who answered for an address, as MACs, in order of arrival, each once.
struct NeighbourAnswers {
    Address address;
    std::uint32_t ifindex = 0;
    std::vector<std::string> macs;
    bool operator==(const NeighbourAnswers&) const = default;
};

// Where a host listened in a round of probes.
struct Listened {
    // As sightings call them; on each, everything of the round was caught, whoever it was for.
    std::vector<std::string> interfaces;
    std::uint32_t dropped = 0;  // caught but lost: what was not seen may have been there
    bool operator==(const Listened&) const = default;
};

// What a round meant for one host.
struct HostFindings {
    std::vector<FibAnswer> lookups;
    std::vector<Neighbour> solicited;       // entry after a solicitation by the kernel
    std::vector<NeighbourAnswers> answers;  // to ARP or neighbour solicitation frames of ours
    std::vector<Endpoint> pods{};           // synthetic pods that were opened, an entry an address
    std::vector<OpenedPod> opened{};        // the same, an entry a pod
    std::vector<PodSpec> asked{};           // what was to be opened
    std::vector<Error> pods_refused{};      // why there are none, or fewer; `where` as in HostCatch
    std::optional<Listened> listened{};     // nothing in a round without probes
    bool operator==(const HostFindings&) const = default;
};
struct RoundResult {
    std::map<HostId, Observed<HostFindings>> hosts;
    std::vector<ProbeResult> probes{};
    RoundStage stage = RoundStage::neighbours;  // the plan's
    bool operator==(const RoundResult&) const = default;
};

}  // namespace podroute
