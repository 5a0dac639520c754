// From flows to frames, captures and listeners.
#include "probes/round_builder.h"

#include <algorithm>

#include "model/host_links.h"
#include "probes/filter.h"
#include "probes/probe_filter.h"
#include "probes/seeded.h"

namespace podroute {
namespace {

constexpr std::uint32_t kMaxCaught = 65'536;  // frames of one capture
constexpr std::uint8_t kFar = 64;             // hop limit of probes that are to arrive

constexpr std::uint32_t kRounds = 32;  // of one observation, and more than there are

// Begins anywhere, and then no two rounds of a run have the same.
std::uint16_t tag_of(const RunInfo& run, std::size_t round) {
    const std::uint64_t begin = Seeded(hash_of("tag", hash_of(run.id))).next() >> 1;
    return static_cast<std::uint16_t>((begin + std::uint64_t{run.observation} * kRounds + round) % 0xffff +
                                      1);
}

std::size_t bytes_of(const FlowRequest& request) {
    return std::size_t{request.count} * std::max(request.size, kSmallProbe);
}

}  // namespace

RoundBuilder::RoundBuilder(const Snapshot& snapshot, RoundStage stage) : snapshot_(snapshot) {
    plan_.stage = stage;
    plan_.script.word = Seeded(hash_of("word", hash_of(snapshot.run.id))).next();
    plan_.script.tag = tag_of(snapshot.run, snapshot.rounds.size());
}

const HostFacts* RoundBuilder::facts_of(const HostId& host) const {
    const auto at = snapshot_.hosts.find(host);
    return at != snapshot_.hosts.end() && at->second.known() ? &*at->second : nullptr;
}

std::string RoundBuilder::cannot(const SitePair& pair, const FlowRequest& request) const {
    if (!pair.source.usable()) return pair.source.unknown;
    if (!pair.destination.usable()) return pair.destination.unknown;
    const auto task = plan_.tasks.find(pair.source.endpoint.host);
    const std::size_t frames = task == plan_.tasks.end() ? 0 : task->second.frames.size();
    const auto sent = bytes_.find(pair.source.endpoint.host);
    const std::size_t bytes = (sent == bytes_.end() ? 0 : sent->second) + bytes_of(request);
    const auto given = numbers_.find(pair.destination.endpoint.address);
    const std::size_t numbers =
        given == numbers_.end() ? 0 : given->second.used.at(static_cast<std::size_t>(request.protocol));
    if (request.count > kMaxCount || frames + request.count > kMaxFramesOfHost || bytes > kMaxBytesOfHost ||
        numbers + request.count > kMaxNumber)
        return "more probes than one round may have";
    return "";
}

void RoundBuilder::add(const SitePair& pair, const FlowRequest& request) {
    ProbeFlow flow;
    flow.source = pair.source.endpoint;
    flow.destination = pair.destination.endpoint;
    flow.protocol = request.protocol;
    flow.purpose = request.purpose;
    flow.hop_limit = request.hop_limit;
    flow.source_pod = pair.source.pod;
    flow.destination_pod = pair.destination.pod;
    flow.next_hop = request.next_hop;
    const Family family = flow.source.address.family();
    flow.size = request.size != 0                ? request.size
                : flow.protocol == Protocol::tcp ? smallest_size(flow.protocol, family)
                                                 : kSmallProbe;
    if (flow.protocol == Protocol::tcp) {
        flow.port = pair.destination.tcp_port;
        flow.listened = pair.destination.listened;
    }
    if (flow.protocol == Protocol::udp)
        flow.port = flow.destination_pod != 0 ? kPodPort : node_udp_port(snapshot_.run);
    flow.unknown = cannot(pair, request);
    if (flow.unknown.empty()) {
        craft(flow, request);
        note_ends(pair, flow);
    }
    plan_.script.flows.push_back(std::move(flow));
}

void RoundBuilder::craft(ProbeFlow& flow, const FlowRequest& request) {
    auto& used = numbers_[flow.destination.address].used.at(static_cast<std::size_t>(flow.protocol));
    flow.first = static_cast<std::uint16_t>(used + 1);
    flow.count = request.count;
    const ProbeKey key{plan_.script.word, plan_.script.tag};
    auto& frames = plan_.tasks[flow.source.host].frames;
    bytes_[flow.source.host] += bytes_of(request);
    for (std::uint16_t i = 0; i < request.count; ++i) {
        ProbePacket packet{flow.protocol, flow.source.address, flow.destination.address, flow.port,
                           static_cast<std::uint16_t>(flow.first + i), flow.size,
                           flow.hop_limit == 0 ? kFar : flow.hop_limit,
                           // Routers choose among next hops by the flow label too, and a lookup has none.
                           flow.purpose != Purpose::next_hop};
        auto bytes = craft_probe(packet, key);
        if (!bytes) {
            flow.unknown = bytes.error().text;
            flow.count = i;
            break;
        }
        frames.push_back({0, request.start_us + std::uint64_t{i} * request.spacing_us, std::move(*bytes),
                          flow.source_pod, false});
    }
    used = static_cast<std::uint16_t>(used + flow.count);
}

void RoundBuilder::note_ends(const SitePair& pair, const ProbeFlow& flow) {
    for (const Site* site : {&pair.source, &pair.destination}) {
        if (site->pod != 0)
            pods_in_use_[site->endpoint.host].insert(site->pod);
        else if (site->endpoint.vantage == Vantage::node)
            nodes_in_use_[site->endpoint.host].push_back(site->endpoint.address);
    }
    if (flow.protocol == Protocol::tcp) tcp_ports_.insert(flow.port);
    if (flow.protocol == Protocol::udp) udp_ports_.insert(flow.port);
    const bool ours = flow.destination_pod != 0 || flow.protocol == Protocol::udp;
    if (!ours || flow.protocol == Protocol::icmp) return;
    const Listener listener{flow.destination_pod, flow.protocol, flow.destination.address, flow.port};
    auto& listeners = plan_.tasks[flow.destination.host].listeners;
    if (std::find(listeners.begin(), listeners.end(), listener) == listeners.end())
        listeners.push_back(listener);
}

void RoundBuilder::watch(const HostId& host, bool bridges) {
    watched_[host].bridges |= bridges;
}

void RoundBuilder::watch_paths() {
    plan_.script.paths = true;
    for (const InventoryHost& host : snapshot_.inventory.hosts) watch(host.name, true);
}

void RoundBuilder::listen(const HostId& host, CapturePoint point, const std::vector<Address>& answers_to) {
    auto& filter = filters_[answers_to];
    if (filter.empty()) {
        FilterScope scope;
        scope.tcp_ports = tcp_ports_;
        scope.udp_ports = udp_ports_;
        scope.answers_to = answers_to;
        auto made = compile_filter(probes_expression({plan_.script.word, plan_.script.tag}, scope), kSnaplen);
        if (!made) return;  // without a capture every flow that ends here is unknown: read() says so
        filter = std::move(*made);
    }
    point.all = answers_to.empty();
    plan_.tasks[host].captures.push_back({point.ifindex, filter, kSnaplen, kMaxCaught, point.pod, true});
    plan_.script.points[host].push_back(std::move(point));
}

void RoundBuilder::listen_on_pods(const HostId& host) {
    const HostFindings* findings = pods_of(snapshot_, host);
    if (findings == nullptr) return;
    for (const OpenedPod& opened : findings->opened)
        for (const PodSpec& spec : findings->asked)
            if (spec.number == opened.number && pods_in_use_[host].contains(spec.number))
                listen(host, {opened.pod_ifindex, spec.number, std::string(kPodLink), opened.mac},
                       plan_.script.paths ? std::vector<Address>{} : spec.addresses);
}

void RoundBuilder::listen_on_links(const HostId& host) {
    const HostFacts* facts = facts_of(host);
    const InventoryHost* named = snapshot_.inventory.find(host);
    if (facts == nullptr || named == nullptr || facts->uid != 0) return;
    const auto watched = watched_.find(host);
    auto answers_to = watched == watched_.end() ? nodes_in_use_[host] : std::vector<Address>{};
    std::sort(answers_to.begin(), answers_to.end());
    answers_to.erase(std::unique(answers_to.begin(), answers_to.end()), answers_to.end());
    std::set<std::uint32_t> listened;
    for (const Link* link : uplinks_of(snapshot_, *named, *facts))
        if (listened.insert(link->index).second)
            listen(host, {link->index, 0, link->name, link->mac}, answers_to);
    if (watched == watched_.end() || !watched->second.bridges) return;
    for (const Prefix& cidr : named->pod_cidrs)
        if (const Link* bridge = bridge_of(*facts, cidr);
            bridge != nullptr && listened.insert(bridge->index).second)
            listen(host, {bridge->index, 0, bridge->name, bridge->mac}, {});
}

RoundPlan RoundBuilder::finish_within(std::uint32_t timeout_ms) {
    std::uint64_t last_us = 0;
    for (const auto& [host, task] : plan_.tasks)
        for (const Frame& frame : task.frames) last_us = std::max(last_us, frame.time_us);
    const auto sending_ms =
        static_cast<std::uint32_t>(std::min<std::uint64_t>((last_us + 999) / 1000, timeout_ms / 2));
    return finish(timeout_ms - sending_ms);
}

RoundPlan RoundBuilder::finish(std::uint32_t wait_ms) {
    plan_.wait_ms = wait_ms;
    for (const InventoryHost& host : snapshot_.inventory.hosts) {
        if (pods_in_use_.contains(host.name)) listen_on_pods(host.name);
        if (nodes_in_use_.contains(host.name) || watched_.contains(host.name)) listen_on_links(host.name);
    }
    for (auto& [host, task] : plan_.tasks)
        std::stable_sort(task.frames.begin(), task.frames.end(),
                         [](const Frame& a, const Frame& b) { return a.time_us < b.time_us; });
    return std::move(plan_);
}

}  // namespace podroute
