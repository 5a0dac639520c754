// Causes that only packets show: the tables say that a flow passes, and it does not.
//
// Told apart by who rejected, where a packet was last seen, and who else is heard. Facts about rule sets are
// no more than which chains have rules, or a policy of drop, so that a silent drop is called firewall-drop
// where there are some, and host-drop where none can be shown.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/asked_gateways.h"
#include "engine/between_losses.h"
#include "engine/full_size.h"
#include "engine/inside_losses.h"
#include "engine/packet_faults.h"
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
    // `way`: the hosts over which tables lead the leg that failed, its ends included; empty: nobody knows.
    void add(const ProbedFlow& flow, Finding finding, const std::string& check_id,
             const std::vector<HostId>& way = {});
    // Large packets of which none got through.
    void add_full_size(const FullSize& sizes, const std::string& check_id);
    void add_detour(const ProbedFlow& flow, const std::vector<HostId>& hosts, const std::string& check_id);
    // A flow that is lost, and nothing that is known predicts it.
    void add_unexplained(const ProbedFlow& flow, const std::string& check_id);

    // Weighs what belongs together. Nothing is added afterwards but to the faults that stand.
    void settle();
    PacketFaults& faults() { return faults_; }
    // One for each fault.
    std::vector<Diagnosis> take();
    // Failed probes that stand under a cause other than `unexplained`.
    std::size_t explained() const { return explained_; }

  private:
    // All that is lost in part inside of one host.
    struct Parts {
        Passage passage;
        bool rules = false;  // some of it meets rules
    };
    // To what sources are rewritten, and by whom, where answers do not come back.
    struct Astray {
        Address to;
        HostId rewriter;
    };
    // Lost where no capture tells.
    struct Unplaced {
        const ProbedFlow* flow;
        bool all, certain;
        std::string check_id;
        Place place;
    };
    // Whom the sender of the leg that failed asks for, that its packets are sent on to.
    std::optional<Address> next_hop_of(const ProbedFlow& flow);
    // Where the leg that failed ends. Over whom tables lead it is no host that it should not have entered.
    Place place_of(const ProbedFlow& flow);
    // To whom the host at which the leg was last seen sends it on.
    HostId next_on_the_way(const ProbedFlow& flow, const HostId& host);
    void add_lost(const ProbedFlow& flow, const std::string& check_id);
    void take_echoes();
    bool add_reject(const ProbedFlow& flow, const Place& place, const std::string& check_id);
    void add_no_way(const ProbedFlow& flow, const HostId& host, const Objection& said, const Place& place,
                    const std::string& check_id);
    void add_drop(const ProbedFlow& flow, const Place& place, const std::string& check_id);
    void add_drop_at(PacketFault& drop, const Place& place, const ProbedFlow& flow,
                     const std::string& check_id);
    PacketFault* drop_at(const Place& place);
    PacketFault* no_way_at(const Place& place, const ProbedFlow& flow);
    void add_inside(const ProbedFlow& flow, InsideLoss::Kind kind, bool certain, const Place& place,
                    const std::string& check_id);
    void take_inside();
    void take_drop(const InsideLoss& loss);
    void take_part(const InsideLoss& loss);
    void weigh_parts();
    PacketFault& part_at(const InsideLoss& loss);
    PacketFault* fault_that_may(const Unplaced& loss, const std::set<Crossing>& passed_ways);
    void take_unplaced(bool all);  // all of a flow, or a part of it
    const ProbedFlow* dead_next_hop(const ProbedFlow& flow);
    bool add_dead_next_hop(const ProbedFlow& flow, const std::string& check_id);
    void add_rewritten(const ProbedFlow& flow, const std::string& check_id);
    HostId rewriter_of(const ProbedFlow& flow);
    bool add_answers_astray(const ProbedFlow& flow, const std::string& check_id);
    bool add_own_address(const InsideLoss& loss);
    PacketFault& rewritten_entry(const ProbedFlow& flow, const HostId& host, const Address& to);
    void add_led_astray(const ProbedFlow& flow, const Place& place, const std::string& check_id);
    std::optional<HostId> filter_of(const ProbedFlow& echo);
    PacketFault& filtered_entry(const ProbedFlow& echo);
    void add_filtered(const ProbedFlow& flow, const std::string& check_id);
    void add_silent_size(const ProbedFlow& echo, const FullSize& sizes, const std::string& check_id);
    void add_partly_lost(const ProbedFlow& flow, bool certain, const std::string& check_id);
    void add_policies(PacketFault& drop, const ProbedFlow& flow) const;

    const Snapshot& snapshot_;
    const ProbeFacts& facts_;
    Places& places_;
    AskedGateways gateways_;
    PacketFaults faults_;
    BetweenLosses between_;
    std::unordered_map<const ProbedFlow*, std::vector<HostId>> ways_;  // over a third host
    std::vector<std::pair<const ProbedFlow*, std::string>> echoes_;    // lost, and their checks
    std::vector<InsideLoss> inside_;
    std::map<HostId, Parts> parts_;
    std::vector<Unplaced> unplaced_;
    std::map<std::tuple<HostId, Family, Protocol>, std::vector<Astray>> astray_;  // by whose packets they are
    std::size_t explained_ = 0;
};

}  // namespace podroute
