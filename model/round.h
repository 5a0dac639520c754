// One round: what was asked of all hosts after their facts were read, and what it meant.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/inventory.h"
#include "model/probe.h"
#include "model/probe_script.h"
#include "model/wire.h"

namespace podroute {

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
    std::string stage{};           // what the round is for: "pods", "main", "detail"; empty: neighbours
    ProbeScript script{};          // what the frames of a round of probes are
};

// What came back from one host, raw.
struct HostCatch {
    std::vector<FibAnswer> lookups;
    std::vector<Neighbour> solicited;
    std::vector<Frame> frames;
    std::vector<OpenedPod> pods{};
    std::vector<Error> pods_refused{};  // why none was opened; `where` is the address it is about, if any
};
using Caught = std::map<HostId, Observed<HostCatch>>;

// Who answered for an address, as MACs, in order of arrival, each once.
struct NeighbourAnswers {
    Address address;
    std::uint32_t ifindex = 0;
    std::vector<std::string> macs;
    bool operator==(const NeighbourAnswers&) const = default;
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
    bool operator==(const HostFindings&) const = default;
};
struct RoundResult {
    std::map<HostId, Observed<HostFindings>> hosts;
    std::vector<ProbeResult> probes{};
    std::string stage{};  // the plan's
    bool operator==(const RoundResult&) const = default;
};

}  // namespace podroute
