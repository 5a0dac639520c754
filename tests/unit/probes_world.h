// A cluster without a kernel, for the prober: it carries out what a plan asks, by a few rules.
//
//     pod link ── cnio0 ── eth0 ═══ network ═══ eth0 ── cnio0 ── pod link
//
// Every packet visits these places in turn, and its answer the same places back. A rule at a place takes
// packets away, objects to them, or rewrites their source. Captures see what they would see, through their
// own filters.
#pragma once

#include <pcap/pcap.h>

#include <functional>
#include <map>
#include <set>

#include "probes/packet_prober.h"
#include "tests/unit/probes_packets.h"
#include "tests/unit/snapshot_builder.h"

namespace podroute::testing {

inline constexpr std::uint32_t kPodEth0 = 2;

struct Place {
    HostId host;
    std::uint32_t ifindex = 0, pod = 0;
    bool leaving = false;
};

// What a rule makes of a packet; without anything it goes on.
struct Fate {
    bool lost = false;
    std::optional<Bytes> sent_back;          // an IP packet to its source
    std::optional<Bytes> sent_back_after{};  // likewise, once the place has seen what it answers
    std::optional<Address> new_source;
};
using Fault = std::function<Fate(const Place&, const Bytes& ip, bool reply)>;

inline Bytes to_mac(Bytes frame, const std::string& mac) {
    const auto bytes = mac_bytes(mac);
    std::copy(bytes.begin(), bytes.end(), frame.begin());
    return frame;
}

class World {
  public:
    explicit World(Cluster& cluster) : cluster_(cluster) {}

    std::vector<Fault> faults;
    std::set<HostId> dead_in_probes;  // lost in the rounds that send
    std::set<HostId> stands_still;    // when it is asked for pods
    std::set<HostId> refuses_pods;
    std::set<HostId> resets;                     // answer a SYN by a reset
    std::set<Address> taken;                     // refused as pods' addresses
    std::map<HostId, std::uint32_t> pod_mtu;     // bytes; else 1500
    std::set<HostId> overflows;                  // lost frames that they caught
    std::map<HostId, int> refuses_to_send;       // errno of the kernel, for packets of the node itself
    std::map<HostId, std::size_t> refuses_only;  // so many of these in a round, the first; else all
    std::uint64_t one_way_us = 100;
    std::map<HostId, std::uint64_t> clock_ahead_us;  // of hosts whose clocks differ
    std::function<std::vector<FibAnswer>(const HostId&, const std::vector<FibQuery>&)> lookups;

    std::vector<RoundPlan> plans;          // as they were carried out
    std::map<RoundStage, bool> completed;  // by stage: every host was complete before the wait ended

    // All rounds of the prober. A planner that never ends stops the test.
    Snapshot& observe(Prober& prober) {
        for (int i = 0; i < 24; ++i) {
            auto plan = prober.next(cluster_.snapshot);
            if (!plan) return cluster_.snapshot;
            auto caught = carry_out(*plan);
            bool all = true;
            for (const auto& [host, c] : caught) all &= c.known() && prober.complete(*plan, host, c->frames);
            completed[plan->stage] = all;
            cluster_.snapshot.rounds.push_back(prober.read(*plan, caught));
            plans.push_back(std::move(*plan));
        }
        ADD_FAILURE() << "the prober never ends";
        return cluster_.snapshot;
    }

  private:
    Caught carry_out(const RoundPlan& plan) {
        caught_.clear();
        plan_ = &plan;
        for (const auto& [host, task] : plan.tasks) {
            caught_[host] = HostCatch{};
            open(host, task, *caught_[host]);
            if (lookups && !task.lookups.empty()) caught_[host]->lookups = lookups(host, task.lookups);
        }
        clock_ += 1'000'000;
        for (const auto& [host, task] : plan.tasks)
            for (std::size_t i = 0; i < task.frames.size(); ++i) {
                const auto only = refuses_only.find(host);
                const bool some = only == refuses_only.end() || caught_[host]->unsent.size() < only->second;
                if (const auto error = refuses_to_send.find(host);
                    error != refuses_to_send.end() && task.frames[i].pod == 0 && some)
                    caught_[host]->unsent.push_back({static_cast<std::uint32_t>(i), error->second});
                else
                    send(host, task.frames[i]);
            }
        for (const auto& host : overflows)
            if (caught_.contains(host)) caught_[host]->dropped = 1;
        for (const auto& host : stands_still)
            if (caught_.contains(host))
                caught_[host] = Unknown{"the host did not answer in 10 s", "agent-failed", ""};
        if (plan.stage != RoundStage::pods)
            for (const auto& host : dead_in_probes)
                if (caught_.contains(host)) caught_[host] = Unknown{"the agent is gone", "agent-failed", ""};
        return caught_;
    }

    void open(const HostId& host, const HostTask& task, HostCatch& caught) {
        if (task.pods.empty()) return;
        if (refuses_pods.contains(host)) caught.pods_refused = Error{"pod-unavailable", "no veth", ""};
        for (const auto& spec : task.pods)
            for (const auto& a : spec.addresses)
                if (taken.contains(a))
                    caught.pods_refused = Error{"pod-unavailable", "it answers", a.to_string()};
        if (caught.pods_refused) return;
        for (const auto& spec : task.pods) {
            const auto mtu = pod_mtu.contains(host) ? pod_mtu[host] : 1500;
            caught.pods.push_back({spec.number, 10 + spec.number, kPodEth0, "02:00:00:00:00:01", "", mtu});
            for (const auto& a : spec.addresses) pods_[a] = {host, spec.number};
        }
    }

    struct End {
        HostId host;
        std::uint32_t pod = 0;
    };
    std::optional<End> end_at(const Address& address) const {
        if (const auto pod = pods_.find(address); pod != pods_.end()) return pod->second;
        for (const auto& host : cluster_.snapshot.inventory.hosts) {
            for (const auto& a : host.addresses)
                if (a == address) return End{host.name, 0};
            for (const auto& cidr : host.pod_cidrs)
                if (cidr.contains(address)) return End{host.name, 99};  // in its network, nobody there
        }
        return std::nullopt;
    }

    static std::vector<Place> way(const End& from, const End& to) {
        if (from.host == to.host && from.pod != 0 && to.pod != 0)
            return {{from.host, kPodEth0, from.pod, true}, {to.host, kPodEth0, to.pod, false}};
        std::vector<Place> out;
        if (from.pod != 0) {
            out.push_back({from.host, kPodEth0, from.pod, true});
            out.push_back({from.host, kCnio0, 0, false});
        }
        out.push_back({from.host, kEth0, 0, true});
        out.push_back({to.host, kEth0, 0, false});
        if (to.pod != 0) {
            out.push_back({to.host, kCnio0, 0, true});
            if (to.pod != 99) out.push_back({to.host, kPodEth0, to.pod, false});
        }
        return out;
    }

    void send(const HostId& host, const Frame& frame) {
        clock_ += 1;
        const auto to = end_at(destination_of(frame.bytes));
        if (to) travel(frame.bytes, {host, frame.pod}, *to, clock_ + frame.time_us, false);
    }

    void travel(Bytes ip, const End& from, const End& to, std::uint64_t time, bool reply) {
        const Address original = source_of(ip);
        for (const Place& place : way(from, to)) {
            // A node that packets leave by the network, or enter for a pod, has forwarded them.
            const bool forwarded =
                (place.pod == 0 && place.ifindex == kEth0 && place.leaving && from.pod != 0) ||
                (place.ifindex == kCnio0 && place.pod == 0 && place.leaving);
            if (forwarded) {
                ip = with_hop_limit(ip, static_cast<std::uint8_t>(hop_limit_of(ip) - 1));
                if (hop_limit_of(ip) == 0) {
                    const bool v4 = is_v4(ip);
                    const auto router =
                        cluster_.snapshot.inventory.find(place.host)->address(v4 ? Family::v4 : Family::v6);
                    return back(error_about(ip, *router, v4 ? 11 : 3, 0, 0, 64), from, time);
                }
            }
            Fate fate;
            for (const auto& fault : faults) {
                fate = fault(place, ip, reply);
                if (fate.lost || fate.sent_back || fate.sent_back_after || fate.new_source) break;
            }
            if (fate.sent_back) return back(*fate.sent_back, from, time);
            if (fate.lost) return;
            if (fate.new_source) ip = with_source(ip, *fate.new_source);
            time += place.pod == 0 && place.ifindex == kEth0 && !place.leaving ? one_way_us : 1;
            see(place, ip, time);
            if (fate.sent_back_after) return back(*fate.sent_back_after, from, time);
        }
        if (reply || to.pod == 99) return;
        // What was rewritten on the way is put back by the host that did it.
        ip = with_source(ip, original);
        const bool reset = next_header(ip) == 6 && resets.contains(to.host);
        travel(reset ? reset_to(ip) : answer_to(ip), to, from, time + 1, true);
    }

    // An error or a reset goes to the source; only its own end of the way matters here.
    void back(const Bytes& ip, const End& to, std::uint64_t time) {
        if (to.pod != 0)
            see({to.host, kPodEth0, to.pod, false}, ip, time + 1);
        else
            see({to.host, kEth0, 0, false}, ip, time + 1);
    }

    void see(const Place& place, const Bytes& ip, std::uint64_t time) {
        const auto task = plan_->tasks.find(place.host);
        if (task == plan_->tasks.end()) return;
        for (const Capture& capture : task->second.captures) {
            if (capture.ifindex != place.ifindex || capture.pod != place.pod) continue;
            if (place.leaving && !capture.outgoing) continue;
            Bytes frame = on_wire(ip);
            if (place.pod == 0) {
                const auto& links = *cluster_.snapshot.hosts.at(place.host)->links;
                for (const auto& link : links)
                    if (link.index == place.ifindex) frame = to_mac(std::move(frame), link.mac);
            }
            std::vector<bpf_insn> code;
            for (const auto& i : capture.filter) code.push_back({i.code, i.jt, i.jf, i.k});
            const auto size = static_cast<unsigned>(frame.size());
            if (bpf_filter(code.data(), frame.data(), size, size) == 0) continue;
            frame.resize(std::min<std::size_t>(frame.size(), capture.snaplen));
            caught_[place.host]->frames.push_back({place.ifindex, time + clock_ahead_us[place.host],
                                                   std::move(frame), place.pod, place.leaving});
        }
    }

    Cluster& cluster_;
    const RoundPlan* plan_ = nullptr;
    Caught caught_;
    std::map<Address, End> pods_;
    std::uint64_t clock_ = 1;
};

}  // namespace podroute::testing
