// Crafting and reading of probes, and the main round of a full mesh of 101 hosts (100 nodes and a control
// host, ICMP and TCP, about 20,000 flows) with all that is caught in a healthy one. What it peaks at in
// memory stands beside it.
#include <benchmark/benchmark.h>

#include <fstream>

#include "probes/packet_prober.h"
#include "tests/unit/probes_packets.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute {
namespace {

using testing::Bytes;
using testing::Cluster;

const ProbeKey kKey{0x1122334455667788, 0x0102};

void craft(benchmark::State& state, Protocol protocol) {
    ProbePacket probe{protocol, *Address::parse("10.200.0.200"), *Address::parse("10.200.1.201"), 8080, 1};
    if (protocol != Protocol::tcp) probe.size = 84;
    for (auto _ : state) {
        probe.number = static_cast<std::uint16_t>(probe.number % kMaxNumber + 1);
        benchmark::DoNotOptimize(craft_probe(probe, kKey));
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK_CAPTURE(craft, icmp, Protocol::icmp);
BENCHMARK_CAPTURE(craft, tcp, Protocol::tcp);
BENCHMARK_CAPTURE(craft, udp, Protocol::udp);

void read(benchmark::State& state, Protocol protocol) {
    ProbePacket probe{protocol, *Address::parse("10.200.0.200"), *Address::parse("10.200.1.201"), 8080, 7};
    const Bytes frame = testing::on_wire(testing::answer_to(*craft_probe(probe, kKey)));
    for (auto _ : state) benchmark::DoNotOptimize(read_probe(frame, kKey));
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK_CAPTURE(read, icmp, Protocol::icmp);
BENCHMARK_CAPTURE(read, tcp, Protocol::tcp);

// Every host opens its pods, every probe arrives and is answered, and is caught where it is listened for.
Caught healthy(const RoundPlan& plan, const Cluster& cluster) {
    Caught caught;
    std::unordered_map<Address, std::pair<HostId, std::uint32_t>> where;
    for (const auto& host : cluster.snapshot.inventory.hosts)
        for (const auto& a : host.addresses) where[a] = {host.name, 0};
    for (const auto& flow : plan.script.flows)
        where[flow.destination.address] = {flow.destination.host, flow.destination_pod};
    for (const auto& [host, task] : plan.tasks) {
        caught[host] = HostCatch{};
        for (const auto& spec : task.pods)
            caught[host]->pods.push_back({spec.number, 10, 2, "", "", 1500, spec.bridge});
    }
    const auto catch_at = [&](const HostId& host, std::uint32_t pod, const Bytes& ip, std::uint64_t time,
                              bool leaving) {
        Bytes frame = testing::on_wire(ip);
        frame.resize(std::min<std::size_t>(frame.size(), 128));
        caught[host]->frames.push_back({2, time, std::move(frame), pod, leaving});
    };
    for (const auto& [host, task] : plan.tasks)
        for (const auto& frame : task.frames) {
            const auto& [target, pod] = where.at(testing::destination_of(frame.bytes));
            catch_at(host, frame.pod, frame.bytes, 100, true);
            catch_at(target, pod, frame.bytes, 200, false);
            catch_at(host, frame.pod, testing::answer_to(frame.bytes), 300, false);
        }
    return caught;
}

double peak_mb() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (word == "VmHWM:") {
            double kb = 0;
            status >> kb;
            return kb / 1024;
        }
    return 0;
}

void full_mesh(benchmark::State& state) {
    for (auto _ : state) {
        Cluster cluster({.nodes = 100});
        for (const auto& host : cluster.snapshot.inventory.hosts)  // so that every frame is for its host
            for (auto& link : *cluster.facts(host.name).links) link.mac.clear();
        PacketProber prober;
        std::size_t flows = 0, answered = 0;
        while (const auto plan = prober.next(cluster.snapshot)) {
            const auto caught = healthy(*plan, cluster);
            for (const auto& [host, c] : caught)
                benchmark::DoNotOptimize(prober.complete(*plan, host, c->frames));
            cluster.snapshot.rounds.push_back(prober.read(*plan, caught));
            flows += plan->script.flows.size();
        }
        for (const auto& r : cluster.snapshot.rounds.back().probes)
            answered += r.answered == r.sent ? 1U : 0U;
        if (answered != flows) state.SkipWithError("not every flow was answered");
        state.counters["flows"] = static_cast<double>(flows);
        state.counters["peak_MB"] = peak_mb();
    }
}
BENCHMARK(full_mesh)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace podroute

BENCHMARK_MAIN();
