// What is lost between hosts belongs together: it is looked at when all of it is known.
#include <algorithm>

#include "engine/packet_causes.h"
#include "engine/packet_words.h"
#include "engine/route_text.h"

namespace podroute {

void PacketCauses::take_fabric() {
    const auto blames = blame_fabric(snapshot_, facts_, places_, fabric_);
    for (const FabricBlame& blame : blames) {
        const Family family = fabric_[blame.losses.front()].flow->source.address.family();
        std::string networks = networks_text(snapshot_.inventory, blame.host, family);
        if (blame.one_protocol) networks.insert(0, protocols_text(blame.protocols) + " of ");
        Entry& made = entry("fabric-drop", blame.host, networks);
        Cause& cause = made.cause;
        const std::string what = blame.one_protocol ? protocols_text(blame.protocols) : "packets";
        if (blame.host.empty()) {
            cause.summary = "the network between the hosts drops " + what + " of pods";
            cause.evidence.push_back("which of the hosts' settings it is cannot be told from the hosts");
        } else {
            const std::string_view way = blame.sending && blame.receiving ? " from and to the pods of "
                                         : blame.sending                  ? " from the pods of "
                                                                          : " to the pods of ";
            cause.summary = "the network drops " + what;
            cause.summary.append(way).append(blame.host);
        }
        for (const InventoryHost& host : snapshot_.inventory.hosts) {
            if (host.pod_cidrs.empty() || (!blame.host.empty() && host.name != blame.host)) continue;
            if (blame.one_protocol || cause.commands.size() > 20) continue;
            cause.commands.push_back(nic_command(host.name));
            if (blame.receiving || blame.host.empty())
                cause.commands.push_back(route_entry_command(snapshot_.inventory, host.name, family));
        }
        std::erase(cause.commands, "");
        if (blame.one_protocol || blame.host.empty()) cause.commands.push_back(security_group_command());
        for (const std::size_t i : blame.losses) count(made, *fabric_[i].flow, fabric_checks_[i], true);
    }
}

// Legs between hosts that share a fault: by the host that most of them share, as long as one stands out.
std::vector<PacketCauses::Shared> PacketCauses::by_host(std::vector<Loss> left) {
    std::vector<Shared> groups;
    while (!left.empty()) {
        std::map<HostId, std::set<std::pair<HostId, HostId>>> shares;
        for (const Loss& loss : left) {
            shares[loss.from].insert({loss.from, loss.to});
            shares[loss.to].insert({loss.from, loss.to});
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
            (loss.from == group.host || loss.to == group.host ? group.losses : rest)
                .push_back(std::move(loss));
        groups.push_back(std::move(group));
        left = std::move(rest);
    }
    return groups;
}

void PacketCauses::add_shared(const Shared& group, const Loss& loss) {
    const HostId& host = group.host;
    Entry& made = entry("packet-loss", host, host.empty() ? loss.from + " → " + loss.to : "");
    if (made.flows == 0) made.cause.severity = Severity::warning;
    if (loss.certain) made.cause.severity = Severity::error;
    const std::string way = host.empty() ? "from " + loss.from + " to " + loss.to : "from or to " + host;
    made.cause.summary = "a part of the packets " + way + " is lost on the way";
    if (!host.empty()) made.cause.commands = {on_host(host, "ip -s link show")};
    count(made, *loss.flow, loss.check_id, loss.certain);
}

void PacketCauses::add_shared_size(const Shared& group, const Loss& loss) {
    const HostId& host = group.host;
    Entry& made = entry("mtu-mismatch", host, host.empty() ? loss.from + " → " + loss.to : "uplink");
    const std::string way = host.empty() ? "from " + loss.from + " to " + loss.to : "from or to " + host;
    made.cause.summary = "large packets " + way + " are lost between the hosts";
    if (!host.empty()) made.cause.commands = {on_host(host, "ip link show")};
    count(made, *loss.flow, loss.check_id, false, loss.more);
}

void PacketCauses::take_losses() {
    for (const Shared& group : by_host(std::move(losses_)))
        for (const Loss& loss : group.losses) add_shared(group, loss);
    for (const Shared& group : by_host(std::move(large_)))
        for (const Loss& loss : group.losses) add_shared_size(group, loss);
}

std::vector<Diagnosis> PacketCauses::take() {
    take_fabric();
    take_losses();
    std::vector<Diagnosis> result;
    for (Entry& made : entries_) {
        Cause& cause = made.cause;
        // Of what is one fault of a host: its subject is what it befalls.
        if (cause.subject.empty()) cause.subject = protocols_text(made.protocols);
        if (cause.code == "firewall-drop")
            cause.commands = {on_host(cause.host, "iptables-save -c"),
                              on_host(cause.host, "nft list ruleset")};
        if (cause.code == "host-drop")
            cause.commands = {on_host(cause.host, "nft list ruleset"), on_host(cause.host, "tc filter show"),
                              on_host(cause.host, "ip xfrm policy")};
        cause.evidence.insert(cause.evidence.end(), made.lines.begin(), made.lines.end());
        if (made.flows > made.lines.size())
            cause.evidence.push_back("and " + std::to_string(made.flows - made.lines.size()) +
                                     " more probes");
        result.push_back({std::move(cause), made.failed, {}, std::move(made.affects)});
    }
    entries_.clear();
    index_.clear();
    return result;
}

}  // namespace podroute
