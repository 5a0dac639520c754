// Who shares a fault.
#include "engine/between_losses.h"

#include <algorithm>
#include <utility>

#include "engine/cloud.h"
#include "engine/packet_words.h"
#include "engine/route_text.h"

namespace podroute {
namespace {

constexpr std::size_t kMaxCommands = 20;

std::string hosts_text(const std::set<HostId>& hosts) {
    std::string text;
    for (const HostId& host : hosts) text += (text.empty() ? "" : ", ") + host;
    return text;
}

// The ends of a loss that are pods' hosts, and of which families.
struct Ends {
    std::set<HostId> pods;
    std::set<Family> families;
    std::set<std::string> ways;  // "from the pods of node-0 to server"

    void add(const FabricLoss& loss) {
        families.insert(loss.from().address.family());
        for (const Endpoint* end : {&loss.from(), &loss.to()})
            if (end->vantage == Vantage::pod) pods.insert(end->host);
        ways.insert("from " + name(loss.from()) + " to " + name(loss.to()));
    }
    static std::string name(const Endpoint& end) {
        return (end.vantage == Vantage::pod ? "the pods of " : "") + end.host;
    }
};

// A card lets nothing through, or an entry is missing; else something filters.
bool of_cards(const FabricBlame& blame) {
    return !blame.one_protocol && (blame.sending || blame.receiving);
}

std::string summary_of(const FabricBlame& blame, const Ends& ends) {
    const std::string what = blame.one_protocol ? protocols_text(blame.protocols) : "packets";
    if (!blame.host.empty()) {
        const std::string_view way = blame.sending && blame.receiving ? "from and to the pods of "
                                     : blame.sending                  ? "from the pods of "
                                                                      : "to the pods of ";
        return "the network drops " + what + " " + std::string(way) + blame.host;
    }
    if (!blame.sending && !blame.receiving && ends.ways.size() == 1)
        return "the network drops " + what + " " + *ends.ways.begin();
    return "the network between the hosts drops " + what + " of pods";
}

// What a cloud is told for each host and family, each command once.
std::vector<std::string> commands_for(const Snapshot& snapshot, const FabricBlame& blame, const Ends& ends) {
    const Cloud cloud = cloud_of(snapshot);
    std::vector<std::string> commands;
    const auto add = [&](const std::vector<std::string>& more) {
        for (const std::string& command : more)
            if (std::find(commands.begin(), commands.end(), command) == commands.end())
                commands.push_back(command);
    };
    for (const InventoryHost& host : snapshot.inventory.hosts) {
        if (!of_cards(blame) || commands.size() > kMaxCommands) continue;
        if (blame.host.empty() ? !ends.pods.contains(host.name) : host.name != blame.host) continue;
        for (const Family family : ends.families)
            add(card_commands(cloud, snapshot.inventory, host.name, family));
        if (!blame.receiving && !blame.host.empty()) continue;
        for (const Family family : ends.families)
            add(route_commands(cloud, snapshot.inventory, host.name, family));
    }
    if (blame.host.empty() || !of_cards(blame)) commands.push_back(filter_command(cloud));
    return commands;
}

}  // namespace

void BetweenLosses::add_dropped(const ProbedFlow& flow, const HostId& sender, const HostId& target,
                                const std::string& check_id) {
    fabric_.push_back({&flow, flow.failed_leg(), sender, target});
    fabric_checks_.push_back(check_id);
}

void BetweenLosses::add_misrouted(const ProbedFlow& flow, const HostId& led_to, const std::string& check_id) {
    misrouted_.push_back({{&flow, flow.failed_leg(), flow.sender(), led_to}, check_id});
}

void BetweenLosses::add_part(const ProbedFlow& flow, bool certain, const Place& place,
                             const std::string& check_id) {
    parts_.push_back({&flow, certain, check_id, "", place});
}

void BetweenLosses::add_large(const ProbedFlow& flow, std::string more, const Place& place,
                              const std::string& check_id) {
    large_.push_back({&flow, true, check_id, std::move(more), place});
}

void BetweenLosses::take_fabric(PacketFaults& faults) {
    for (const FabricBlame& blame : blame_fabric(snapshot_, facts_, places_, fabric_)) {
        Ends ends;
        for (const std::size_t i : blame.losses) ends.add(fabric_[i]);
        std::string subject =
            networks_text(snapshot_.inventory, blame.host.empty() ? ends.pods : std::set<HostId>{blame.host},
                          ends.families);
        if (blame.one_protocol) subject.insert(0, protocols_text(blame.protocols) + " of ");
        PacketFault& made = faults.at("fabric-drop", blame.host, subject);
        made.cause.summary = summary_of(blame, ends);
        if (blame.host.empty())
            made.cause.evidence.emplace_back(
                of_cards(blame) ? "which of the hosts' settings it is cannot be told from the hosts"
                                : "other packets of these hosts pass: a filter, not a network card");
        made.cause.commands = commands_for(snapshot_, blame, ends);
        for (const std::size_t i : blame.losses) {
            PacketFaults::add_deaf(made, places_.place(*fabric_[i].flow));
            faults.count(made, *fabric_[i].flow, fabric_checks_[i], true);
        }
    }
}

// One wrong entry for each host: an entry for the other family is the same slip.
void BetweenLosses::take_misrouted(PacketFaults& faults) {
    std::map<std::pair<HostId, std::string>, std::vector<const Misrouted*>> groups;
    for (const Misrouted& found : misrouted_) {
        const Endpoint& to = found.loss.to();
        groups[{to.host, to.vantage == Vantage::pod ? std::string() : to.address.to_string()}].push_back(
            &found);
    }
    for (const auto& [to, group] : groups) {
        Ends ends;
        std::set<HostId> led_to;
        for (const Misrouted* found : group) {
            ends.add(found->loss);
            led_to.insert(found->loss.target);
        }
        const bool pods = to.second.empty();
        PacketFault& made = faults.at(
            "fabric-misrouted", to.first,
            pods ? networks_text(snapshot_.inventory, std::set<HostId>{to.first}, ends.families) : to.second);
        made.cause.summary = "the network hands packets for " + std::string(pods ? "the pods of " : "") +
                             to.first + " to " + hosts_text(led_to);
        for (const Family family : ends.families)
            for (std::string& command :
                 correct_route_commands(cloud_of(snapshot_), snapshot_.inventory, to.first, family))
                made.cause.commands.push_back(std::move(command));
        for (const Misrouted* found : group) faults.count(made, *found->loss.flow, found->check_id, true);
    }
}

// Legs between hosts that share a fault: by the host that most of them share, as long as one stands out.
std::vector<BetweenLosses::Shared> BetweenLosses::by_host(std::vector<Loss> left) {
    std::vector<Shared> groups;
    while (!left.empty()) {
        std::map<HostId, std::set<std::pair<HostId, HostId>>> shares;
        for (const Loss& loss : left) {
            shares[loss.sender()].insert({loss.sender(), loss.target()});
            shares[loss.target()].insert({loss.sender(), loss.target()});
        }
        const auto most = std::max_element(shares.begin(), shares.end(), [](const auto& a, const auto& b) {
            return a.second.size() < b.second.size();
        });
        const std::size_t share = most->second.size();
        const auto rivals = std::count_if(shares.begin(), shares.end(),
                                          [&](const auto& entry) { return entry.second.size() == share; });
        if (share < 2 || rivals > 1) {
            groups.push_back({"", std::move(left)});
            return groups;
        }
        Shared group{most->first, {}};
        std::vector<Loss> rest;
        for (Loss& loss : left)
            (loss.sender() == group.host || loss.target() == group.host ? group.losses : rest)
                .push_back(std::move(loss));
        groups.push_back(std::move(group));
        left = std::move(rest);
    }
    return groups;
}

void BetweenLosses::add_shared(PacketFaults& faults, const Shared& group, const Loss& loss) {
    const HostId& host = group.host;
    PacketFault& made =
        faults.at("packet-loss", host, host.empty() ? loss.sender() + " → " + loss.target() : "");
    if (made.flows == 0) made.cause.severity = Severity::warning;
    if (loss.certain) made.cause.severity = Severity::error;
    const std::string way =
        host.empty() ? "from " + loss.sender() + " to " + loss.target() : "from or to " + host;
    made.cause.summary = "a part of the packets " + way + " is lost on the way";
    if (!host.empty()) made.cause.commands = {on_host(host, "ip -s link show")};
    PacketFaults::add_deaf(made, loss.place);
    faults.count(made, *loss.flow, loss.check_id, loss.certain && loss.flow->is_pair());
}

void BetweenLosses::add_shared_size(PacketFaults& faults, const Shared& group, const Loss& loss) {
    const HostId& host = group.host;
    PacketFault& made =
        faults.at("mtu-mismatch", host, host.empty() ? loss.sender() + " → " + loss.target() : "uplink");
    const std::string way =
        host.empty() ? "from " + loss.sender() + " to " + loss.target() : "from or to " + host;
    if (made.flows == 0) made.cause.summary = "large packets " + way + " are lost between the hosts";
    if (!host.empty()) made.cause.commands = {on_host(host, "ip link show")};
    PacketFaults::add_deaf(made, loss.place);
    faults.count(made, *loss.flow, loss.check_id, false, loss.more);
}

void BetweenLosses::take_shared(PacketFaults& faults) {
    for (const Shared& group : by_host(std::move(parts_)))
        for (const Loss& loss : group.losses) add_shared(faults, group, loss);
    for (const Shared& group : by_host(std::move(large_)))
        for (const Loss& loss : group.losses) add_shared_size(faults, group, loss);
}

// Where a part is lost of some that share a host, chance may take all of others.
void BetweenLosses::join_by_chance() {
    const bool some_pass =
        !parts_.empty() || std::any_of(fabric_.begin(), fabric_.end(), [](const FabricLoss& loss) {
            return passage_of(*loss.flow).left > 0;
        });
    if (!some_pass) return;
    std::vector<Loss> all = parts_;
    std::set<const ProbedFlow*> dropped;
    for (std::size_t i = 0; i < fabric_.size(); ++i) {
        const ProbedFlow& flow = *fabric_[i].flow;
        all.push_back({&flow, true, fabric_checks_[i], "", places_.place(flow)});
        dropped.insert(&flow);
    }
    std::set<const ProbedFlow*> joined;
    for (const Shared& group : by_host(std::move(all))) {
        std::vector<Passage> passages;
        for (const Loss& loss : group.losses) passages.push_back(passage_of(*loss.flow));
        if (!taken_by_chance(passages)) continue;
        for (const Loss& loss : group.losses)
            if (dropped.contains(loss.flow) && joined.insert(loss.flow).second) parts_.push_back(loss);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < fabric_.size(); ++i) {
        if (joined.contains(fabric_[i].flow)) continue;
        std::swap(fabric_[kept], fabric_[i]);
        std::swap(fabric_checks_[kept++], fabric_checks_[i]);
    }
    fabric_.resize(kept);
    fabric_checks_.resize(kept);
}

void BetweenLosses::take(PacketFaults& faults) {
    join_by_chance();
    take_fabric(faults);
    take_misrouted(faults);
    take_shared(faults);
}

}  // namespace podroute
