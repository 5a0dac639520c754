// Causes that only packets show: the tables say that a flow passes, and it does not.
//
// Told apart by who rejected, where a packet was last seen, and who else is heard. Facts about rule sets are
// no more than which chains have rules, or a policy of drop, so that a silent drop is called firewall-drop
// where there are some, and host-drop where none can be shown.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/asked_gateways.h"
#include "engine/crossings.h"
#include "engine/fabric.h"
#include "engine/full_size.h"
#include "engine/places.h"
#include "engine/probe_finding.h"
#include "model/report.h"

namespace podroute {

class PacketCauses {
  public:
    // All must outlive it.
    PacketCauses(const Snapshot& snapshot, const ProbeFacts& facts, Places& places);

    // A flow that its finding says is not fine; check_id is that of the check which says so. Where nothing
    // is known that would explain it, it stands under `unexplained`.
    void add(const ProbedFlow& flow, Finding finding, const std::string& check_id);
    // Large packets of which none got through.
    void add_full_size(const FullSize& sizes, const std::string& check_id);
    void add_detour(const ProbedFlow& flow, const std::vector<HostId>& hosts, const std::string& check_id);
    // A flow that is lost, and nothing that is known predicts it.
    void add_unexplained(const ProbedFlow& flow, const std::string& check_id);

    // Weighs what belongs together. Nothing is added afterwards but to the causes that stand.
    void settle();
    // A failed flow that other causes explain, `with` their ids: what is known to drop all such packets stops
    // it as well. The ids of those.
    std::vector<std::string> add_stopped_too(const ProbedFlow& flow, const std::string& check_id,
                                             const std::vector<std::string>& with);
    // The ids of the causes that a check which was added stands under. It fails for those of `with`, too.
    std::vector<std::string> add_companions(const std::string& check_id,
                                            const std::vector<std::string>& with);
    // One for each fault.
    std::vector<Diagnosis> take();
    // Failed probes that stand under a cause other than `unexplained`.
    std::size_t explained() const { return explained_; }

  private:
    struct Entry {
        Cause cause;
        std::set<Protocol> protocols;
        std::vector<std::string> affects, lines;
        std::size_t flows = 0, failed = 0;
        bool no_way = false;             // a kernel said so
        std::set<std::string> drops_at;  // interfaces of its host at which a flow was last seen, all of it
        std::set<Crossing> stops;        // ways through its host that a flow took, all of it
        std::set<std::string> together_with;
    };
    struct Part {
        const ProbedFlow* flow;
        bool certain;
        std::string check_id;
        Place place;
    };
    struct Loss {
        const ProbedFlow* flow;
        bool certain;
        std::string check_id, from, to;
        std::string more;  // for its line of evidence
        Place place;
    };
    struct Shared {
        HostId host;  // empty: none stands out
        std::vector<Loss> losses;
    };

    struct Misrouted {
        FabricLoss loss;
        HostId led_to;
        std::string check_id;
    };

    Entry& entry(const std::string& code, const HostId& host, const std::string& key);
    void count(Entry& entry, const ProbedFlow& flow, const std::string& check_id, bool failed,
               const std::string& more = {});
    std::string line(const ProbedFlow& flow);
    static void add_deaf(Entry& entry, const Place& place);
    // Whom the sender of the leg that failed asks for, that its packets are sent on to.
    std::optional<Address> next_hop_of(const ProbedFlow& flow);
    void add_lost(const ProbedFlow& flow, const std::string& check_id);
    bool add_reject(const ProbedFlow& flow, const Place& place, const std::string& check_id);
    void add_no_way(const ProbedFlow& flow, const HostId& host, const Objection& said, const Place& place,
                    const std::string& check_id);
    void add_drop(const ProbedFlow& flow, const Place& place, const std::string& check_id);
    void add_drop_at(Entry& drop, const Place& place, const ProbedFlow& flow, const std::string& check_id);
    Entry* drop_at(const Place& place);
    Entry* no_way_at(const Place& place, const ProbedFlow& flow);
    void take_drops();
    const ProbedFlow* dead_next_hop(const ProbedFlow& flow);
    bool add_dead_next_hop(const ProbedFlow& flow, const std::string& check_id);
    void add_rewritten(const ProbedFlow& flow, const std::string& check_id);
    void add_led_astray(const ProbedFlow& flow, const Place& place, const std::string& check_id);
    Entry& filtered_entry(const ProbedFlow& echo);
    void add_filtered(const ProbedFlow& flow, const std::string& check_id);
    void add_silent_size(const ProbedFlow& echo, const FullSize& sizes, const std::string& check_id);
    void add_partly_lost(const ProbedFlow& flow, bool certain, const std::string& check_id);
    static std::vector<Shared> by_host(std::vector<Loss> left);
    void add_shared(const Shared& group, const Loss& loss);
    void add_shared_size(const Shared& group, const Loss& loss);
    void take_parts();
    void take_losses();
    void take_fabric();
    void take_misrouted();
    static const HostId& sender(const ProbedFlow& flow);  // of the leg that failed
    static const HostId& target(const ProbedFlow& flow);
    // Of what was read of the host's firewall: chains at which packets of the flow may end.
    std::vector<const FilterChain*> chains_on_the_way(const ProbedFlow& flow, const HostId& host) const;
    bool has_rules(const ProbedFlow& flow, const HostId& host) const;
    void add_policies(Entry& drop, const ProbedFlow& flow) const;

    const Snapshot& snapshot_;
    const ProbeFacts& facts_;
    Places& places_;
    AskedGateways gateways_;
    std::vector<Entry> entries_;
    std::map<std::tuple<std::string, HostId, std::string>, std::size_t> index_;
    std::vector<Part> drops_, parts_;  // lost inside a host: all of a flow, a part of it
    // Between hosts, or nobody knows where: flows of which a part is lost; large packets.
    std::vector<Loss> losses_, large_;
    std::vector<FabricLoss> fabric_;
    std::vector<std::string> fabric_checks_;
    std::vector<Misrouted> misrouted_;
    std::size_t explained_ = 0;
    // Once settled.
    std::set<Crossing> passed_;
    std::unordered_map<std::string, std::vector<std::size_t>> by_check_;  // failed checks
};

}  // namespace podroute
