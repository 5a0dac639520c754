// The observation loop with real rounds of probes, over fake hosts.
#include <gtest/gtest.h>

#include "probes/packet_prober.h"
#include "tests/unit/hosts_fakes.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::Cluster;

// Hosts that open what pods they are asked to, and catch nothing.
Result<Reply> silent(const Cluster& cluster, const HostId& host, const Request& request) {
    if (std::holds_alternative<Gather>(request)) return *cluster.snapshot.hosts.at(host);
    if (std::holds_alternative<Collect>(request)) return CollectReply{};
    const auto* open = std::get_if<OpenPod>(&request);
    if (open == nullptr) return plain_answer(request);
    OpenPodReply reply;
    for (const PodSpec& spec : open->pods)
        reply.pods.push_back({spec.number, 10 + spec.number, 2, "02:00:00:00:00:01", "", 1500});
    return reply;
}

TEST(ObserveProbes, AHostThatCannotListenMakesItsPairsUnknownAndTheOthersGoOn) {
    const Cluster cluster({.nodes = 3});
    Snapshot start = cluster.snapshot;
    start.hosts.clear();
    start.policy.timeout_ms = 20;
    start.policy.trace = Trace::none;
    Fleet fleet(start.inventory,
                [&](const InventoryHost& h) -> tl::expected<std::unique_ptr<HostLink>, Unknown> {
                    return std::make_unique<FakeLink>([&, name = h.name](const Request& r) -> Result<Reply> {
                        if (name == "node-1" && std::holds_alternative<Arm>(r))
                            return failure("agent-failed", "the agent is gone");
                        return silent(cluster, name, r);
                    });
                });
    PacketProber prober;
    const Snapshot snapshot = observe(fleet, start, prober, {});
    ASSERT_GE(snapshot.rounds.size(), 2U);
    EXPECT_EQ(snapshot.rounds[0].hosts.at("node-1")->opened.size(), 2U);
    const RoundResult& main = snapshot.rounds[1];
    EXPECT_FALSE(main.hosts.at("node-1").known());
    EXPECT_TRUE(main.hosts.at("node-2").known());
    std::size_t unknown = 0, lost = 0;
    for (const ProbeResult& r : main.probes) {
        const bool concerns = r.source.host == "node-1" || r.destination.host == "node-1";
        EXPECT_EQ(r.unknown, concerns ? "node-1: the agent is gone" : "")
            << to_string(r.source) << " > " << to_string(r.destination);
        EXPECT_EQ(r.sent == 0, concerns);
        ++(concerns ? unknown : lost);
    }
    EXPECT_GT(unknown, 0U);
    EXPECT_GT(lost, 0U);
}

}  // namespace
}  // namespace podroute
